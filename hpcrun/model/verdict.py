"""Three-valued answers with their grounds and reasons; does not decide anything.

Plain dataclasses and no pydantic models: thousands of them are made for one table of images and
sites, and all of them here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Answer(StrEnum):
    """Does it fit? Unknown is never taken for compatible."""

    COMPATIBLE = "compatible"
    UNKNOWN = "unknown"
    INCOMPATIBLE = "incompatible"


class Force(StrEnum):
    """What an answer other than compatible means for a candidate."""

    REFUSES = "refuses"
    """It cannot be taken."""
    WARNS = "warns"
    """It may be taken, and who submits is told."""
    SKIPS = "skips"
    """Nothing is known against it, for a fact is lacking: not checked, which is not passed."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What an answer rests on: the row that decided, and what was compared, found where."""

    table_row: str
    """As `file row`."""
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an answer was given: the rule's code, one sentence, and what was found where."""

    code: str
    message: str
    evidence: tuple[str, ...] = ()
    table_row: str | None = None
    """Row of a table that decided, as `file row`; shown as `= rule:`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer and what it rests on: reasons against, or the grounds of a compatible one."""

    answer: Answer
    reasons: tuple[Reason, ...] = ()
    """Against the candidate; beside a compatible answer what is worth knowing."""
    grounds: tuple[Ground, ...] = ()
    """Of a compatible answer."""
    force: Force = Force.REFUSES

    @property
    def refuses(self) -> bool:
        """Whether a candidate cannot be taken for this answer."""
        return self.answer is not Answer.COMPATIBLE and self.force is Force.REFUSES

    @property
    def weight(self) -> int:
        """How much an answer is against a candidate; 0 is not at all."""
        if self.answer is Answer.COMPATIBLE:
            return 0
        return 2 * _FORCES.index(self.force) + _ANSWERS.index(self.answer)

    @staticmethod
    def worst_of(verdicts: Iterable["Verdict"]) -> "Verdict":
        """Join verdicts on several questions: the worst answer, the reasons of that answer only.

        No verdict at all is compatible: nothing was asked.
        """
        every = tuple(verdicts)
        weight = max((verdict.weight for verdict in every), default=0)
        worst = tuple(verdict for verdict in every if verdict.weight == weight)
        if len(worst) == 1:
            return worst[0]
        return Verdict(
            worst[0].answer if worst else Answer.COMPATIBLE,
            tuple(dict.fromkeys(reason for verdict in worst for reason in verdict.reasons)),
            tuple(dict.fromkeys(ground for verdict in worst for ground in verdict.grounds)),
            worst[0].force if worst else Force.REFUSES,
        )


_FORCES = (Force.SKIPS, Force.WARNS, Force.REFUSES)
_ANSWERS = (Answer.COMPATIBLE, Answer.UNKNOWN, Answer.INCOMPATIBLE)
