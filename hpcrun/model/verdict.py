"""Three-valued answers with their reasons; does not decide anything."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Self

from hpcrun.model.base import Value


class Answer(StrEnum):
    """Does it fit? Unknown is never taken for compatible."""

    COMPATIBLE = "compatible"
    UNKNOWN = "unknown"
    INCOMPATIBLE = "incompatible"


class Reason(Value):
    """Why an answer was given: the rule's code, one sentence, and what was found where."""

    code: str
    message: str
    evidence: tuple[str, ...] = ()
    table_row: str | None = None
    """Row of a table that decided, as `file row`; shown as `= rule:`."""


class Verdict(Value):
    """An answer and all its reasons; a compatible verdict may carry reasons too."""

    answer: Answer
    reasons: tuple[Reason, ...] = ()

    @classmethod
    def worst_of(cls, verdicts: Iterable[Self]) -> "Verdict":
        """Join verdicts on several questions: the worst answer, the reasons of that answer only.

        No verdict at all is compatible: nothing was asked.
        """
        every = list(verdicts)
        order = list(Answer)
        answer = max((v.answer for v in every), key=order.index, default=Answer.COMPATIBLE)
        return Verdict(
            answer=answer, reasons=tuple(r for v in every if v.answer is answer for r in v.reasons)
        )
