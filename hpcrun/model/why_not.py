"""Why ways to run a job were not chosen, and what would change that; does not find it out."""

from typing import Literal

from hpcrun.model.base import Value
from hpcrun.model.diagnostic import Role
from hpcrun.model.plan import Candidate
from hpcrun.model.verdict import Reason


class ChangedFact(Value):
    """One thing that would have to be otherwise."""

    text: str
    """Reads after "would work if"."""
    role: Role
    """Who could make it so."""


class Rejected(Value):
    """Candidates against which the same speaks."""

    candidates: tuple[Candidate, ...]
    """The one that is nearest to work first."""
    is_wished: bool
    """Whether the job asks for one of them, or leaves it open."""
    objections: tuple[Reason, ...]
    """All of them, also those that a worse one hides; none where they would work."""
    would_work_if: tuple[tuple[ChangedFact, ...], ...] = ()
    """Any one of these sets of changes would do; none of a set can be left out."""
    neighbours: tuple[Candidate, ...] = ()
    """Candidates that work and differ in one respect only."""


class WhyNot(Value):
    """The answer for all candidates that were asked about."""

    version: Literal[1] = 1
    job: str
    site: str
    asked: str
    chosen: Candidate | None
    answers: tuple[Rejected, ...]
