"""The table of what each processor can run; does not look at images or nodes."""

from functools import cache
from itertools import pairwise
from typing import Self

from pydantic import model_validator

from hpcrun.tables.rows import Document, Row, load_table

_TELLING = ("avx512f", "avx2", "avx", "sse4_2", "sve2", "sve", "atomics")
"""Features by which people know a processor; the others follow."""


class Processor(Row):
    """One processor, or a level of processors."""

    name: str
    """As archspec names it: zen3, neoverse_v1, x86_64_v3."""
    arch: str
    """As `uname -m` says."""
    features: frozenset[str] = frozenset()
    generation: int = 0
    aliases: tuple[str, ...] = ()

    def lacks(self, needed: "Processor") -> tuple[str, ...]:
        """Return what programs made for another processor may use and this one has not."""
        lacking = sorted(needed.features - self.features, key=_telling)
        if self.generation < needed.generation:
            lacking.append(f"generation {needed.generation}")
        return tuple(lacking)

    @property
    def is_plain(self) -> bool:
        """Whether every processor of the architecture runs what is made for it."""
        return not self.features and not self.generation


def _telling(feature: str) -> tuple[int, str]:
    return (_TELLING.index(feature) if feature in _TELLING else len(_TELLING), feature)


class _Document(Document):
    processors: tuple[Processor, ...]

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [name for row in self.processors for name in (row.name, *row.aliases)]
        if len(set(names)) != len(names):
            raise ValueError("a name of a processor stands in two rows")
        by_name = {row.name: row for row in self.processors}
        ladders = (("x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4"), ("power8le", "power9le"))
        for ladder in ladders:
            for lower, higher in pairwise(ladder):
                if by_name[higher].lacks(by_name[lower]):
                    raise ValueError(f"`{higher}` cannot run what `{lower}` runs")
        return self


@cache
def _by_name() -> dict[str, Processor]:
    rows = load_table("processors", _Document).processors
    return {name: row for row in rows for name in (row.name, *row.aliases)}


def processor(name: str) -> Processor | None:
    """Find a processor by the name that archspec, a cloud or a compiler's option gives it."""
    return _by_name().get(name.lower().replace("-", "_").replace(" ", "_"))
