"""Three-valued answers with their grounds and reasons; does not decide anything.

Plain dataclasses and no pydantic models, and not frozen, which costs as much as all the rest of
making one: thousands are made for one table of images and sites. Nobody changes one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
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


@dataclass(unsafe_hash=True, slots=True)
class Ground:
    """What an answer rests on: the row that decided, and what was compared, found where."""

    table_row: str
    """As `file row`."""
    evidence: tuple[str, ...]


@dataclass(unsafe_hash=True, slots=True)
class Reason:
    """Why an answer was given: the rule's code, one sentence, and what was found where."""

    code: str
    message: str
    evidence: tuple[str, ...] = ()
    table_row: str | None = None
    """Row of a table that decided, as `file row`; shown as `= rule:`."""


@dataclass(slots=True)
class Verdict:
    """An answer and what it rests on: reasons against, or the grounds of a compatible one."""

    answer: Answer
    reasons: tuple[Reason, ...] = ()
    """Against the candidate; beside a compatible answer what is worth knowing."""
    grounds: tuple[Ground, ...] = ()
    """Of a compatible answer."""
    force: Force = Force.REFUSES

    weight: int = field(init=False, repr=False, compare=False)
    """How much the answer is to be told of; 0 is compatible."""
    objection: int = field(init=False, repr=False, compare=False)
    """How much it is against a candidate: its weight where it has the force, else 0."""

    def __post_init__(self) -> None:
        """Weigh the answer once: it is asked for far more often than answers are given."""
        weight = _WEIGHTS[self.force, self.answer]
        self.weight = weight
        self.objection = weight if self.force is Force.REFUSES else 0

    @property
    def refuses(self) -> bool:
        """Whether a candidate cannot be taken for this answer."""
        return self.objection > 0

    @staticmethod
    def worst_of(verdicts: Iterable["Verdict"]) -> "Verdict":
        """Join verdicts on several questions: the worst answer, the reasons of that answer only.

        No verdict at all is compatible: nothing was asked.
        """
        worst: list[Verdict] = []
        for verdict in verdicts:
            if worst and verdict.weight > worst[0].weight:
                worst.clear()
            if not worst or verdict.weight == worst[0].weight:
                worst.append(verdict)
        if len(worst) == 1:
            return worst[0]
        return Verdict(
            worst[0].answer if worst else Answer.COMPATIBLE,
            tuple(dict.fromkeys(reason for verdict in worst for reason in verdict.reasons)),
            tuple(dict.fromkeys(ground for verdict in worst for ground in verdict.grounds)),
            worst[0].force if worst else Force.REFUSES,
        )


_WEIGHTS = {
    (force, answer): 0 if answer is Answer.COMPATIBLE else 2 * heavier + worse
    for heavier, force in enumerate((Force.SKIPS, Force.WARNS, Force.REFUSES))
    for worse, answer in enumerate((Answer.COMPATIBLE, Answer.UNKNOWN, Answer.INCOMPATIBLE))
}
