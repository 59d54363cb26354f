"""A fact that was seen: with what showed it and how sure that is; does not look for facts."""

from enum import StrEnum

from hpcrun.model.base import Value


class Certainty(StrEnum):
    """How sure a fact is."""

    SURE = "sure"
    """Read off the bytes that decide at run time: a soname, a symbol, a machine code."""
    LIKELY = "likely"
    """Concluded from a sign that is right in every case known: a file name, a release's habit."""
    HINT = "hint"
    """Said by something that may be stale or wrong: a label, a build flag, a path."""


class Seen(Value):
    """The base of facts: what showed one, and how sure that is."""

    evidence: str
    """File with its offset, symbol, constant or key: what a reader can look up again."""
    certainty: Certainty = Certainty.SURE
