"""The table of environment variables that MPI needs under conditions; does not set them."""

from functools import cache
from typing import Literal

from hpcrun.model.image import Family
from hpcrun.tables.rows import Document, Row, load_table
from hpcrun.tables.versions import VersionRange

Condition = Literal[
    "shared-node",
    "separate-namespaces",
    "emulated",
    "pmix",
    "pmix-versions-differ",
    "psec-native",
]


class Setting(Row):
    """One variable, when it is needed and why."""

    id: str
    family: Family | Literal["any"]
    since: str
    before: str
    when: tuple[Condition, ...]
    variable: str
    value: str
    why: str

    def fits(self, family: str, version: str | None, conditions: frozenset[str]) -> bool:
        """Whether the variable is needed; an unknown version takes the rows of all versions."""
        if self.family not in ("any", family) or not conditions.issuperset(self.when):
            return False
        return version is None or VersionRange(since=self.since, before=self.before).holds(version)


class _Document(Document):
    settings: tuple[Setting, ...]


@cache
def mpi_setting(row_id: str) -> Setting:
    """Return one row by its id."""
    return next(row for row in mpi_settings() if row.id == row_id)


@cache
def mpi_settings() -> tuple[Setting, ...]:
    """Return the variables in the order of the table."""
    return load_table("mpi_settings", _Document).settings
