"""Which symbols each release of an MPI library defines, for stacks that nobody has read."""

from functools import cache, cached_property
from typing import NamedTuple

from hpcrun.model.api_names import ApiNames
from hpcrun.model.image import Family
from hpcrun.tables.rows import Document, Row, load_table
from hpcrun.tables.versions import version_key

_SERIES = 2
"""Releases of one series, x.y, define the same symbols, as far as they were read."""


class SymbolRow(Row):
    """What one release defines beyond, and no longer has of, the row before it."""

    id: str
    family: Family
    release: str
    plus: ApiNames
    minus: ApiNames = ApiNames.model_construct()


class ReleaseSymbols(NamedTuple):
    """What one release defines."""

    id: str
    release: str
    names: frozenset[str]


class MpiSymbols(Document):
    """Releases of each family, the oldest first."""

    releases: tuple[SymbolRow, ...]

    def of_release(self, family: str, version: str) -> ReleaseSymbols | None:
        """Return what a release defines; None where none of its series was read."""
        return self._by_series.get((family, _series(version)))

    @cached_property
    def _by_series(self) -> dict[tuple[str, tuple[int, ...]], ReleaseSymbols]:
        """The newest release of each series, with all that has come and gone before it."""
        names: dict[str, frozenset[str]] = {}
        found: dict[tuple[str, tuple[int, ...]], ReleaseSymbols] = {}
        for row in self.releases:
            before = names.get(row.family, frozenset())
            names[row.family] = (before | row.plus.names) - row.minus.names
            found[row.family, _series(row.release)] = ReleaseSymbols(
                row.id, row.release, names[row.family]
            )
        return found


def _series(version: str) -> tuple[int, ...]:
    key = version_key(version)
    return (*key, 0, 0)[:_SERIES]


@cache
def mpi_symbols() -> MpiSymbols:
    """Return the table of symbols by release."""
    return load_table("mpi_symbols", MpiSymbols)
