"""The table of faults of single releases of MPI; does not judge images."""

import re
from functools import cache
from typing import Self

from pydantic import model_validator

from hpcrun.tables.mpi_families import Pattern, mpi_families
from hpcrun.tables.rows import Document, Row, load_table


class ReleaseFault(Row):
    """What one release does wrong between nodes over TCP."""

    id: str
    implementation: str
    version: Pattern
    unless: str | None = None
    """Variable of a job with which it works."""
    device: str | None = None
    """Of MPICH, where only builds for this one have the fault."""
    ranks_sure: int = 2
    """The fewest ranks with which it was met often; with fewer it is warned of."""
    outcome: str


class ReleaseFaults(Document):
    """All known faults."""

    faults: tuple[ReleaseFault, ...]

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        known = {row.id for row in mpi_families().implementations}
        if strangers := {row.implementation for row in self.faults} - known:
            raise ValueError(f"rows of unknown implementations: {sorted(strangers)}")
        return self

    def of(self, implementation: str, version: str, device: str | None) -> ReleaseFault | None:
        """Return the fault of a release, if one is known."""
        rows = (row for row in self.faults if row.implementation == implementation)
        fitting = (row for row in rows if row.device in (None, device))
        return next((row for row in fitting if re.fullmatch(row.version, version)), None)


@cache
def release_faults() -> ReleaseFaults:
    """Return the table of faults."""
    return load_table("release_faults", ReleaseFaults)
