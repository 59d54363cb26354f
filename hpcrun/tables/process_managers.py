"""The table of what starts ranks beside srun, and whom it serves; does not judge images."""

from functools import cache
from typing import Literal, Self

from pydantic import model_validator

from hpcrun.model.image import Family
from hpcrun.model.verdict import Answer
from hpcrun.tables.mpi_families import mpi_families
from hpcrun.tables.pmi import Kind
from hpcrun.tables.rows import Document, Row, load_table
from hpcrun.tables.versions import is_same, is_within

_ALL = ("0", "9999")


def is_within_or_none(version: str | None, since: str, before: str) -> bool:
    """Whether a version lies in a range, or may."""
    return version is None or is_within(version, since, before)


class ManagerRow(Row):
    """One kind of process manager, by the MPI implementation that brings it."""

    id: str
    name: str
    implementations: tuple[str, ...]
    since: str
    before: str
    """Versions of the implementation."""
    starters: tuple[str, ...]
    """Kinds of programs by which a passport tells it."""
    serves: tuple[Kind, ...]
    may_serve: Family | None = None
    """Family of which it serves one vendor's builds, and perhaps others."""
    reaches: tuple[Literal["slurm", "pbs"], ...] = ()
    """Schedulers by which every build of it starts its daemons on the other nodes."""
    same_release: bool = False
    """Whether it serves libraries of its own release, and no others."""

    def holds(self, version: str) -> bool:
        """Whether it is the manager of this version of its implementation."""
        return is_within(version, self.since, self.before)


class _Client(Row):
    managers: tuple[str, ...]
    """Ids of managers; any where empty."""
    family: Family | None = None
    implementation: str | None = None

    def is_about(self, manager: str, family: str, implementation: str) -> bool:
        """Whether the row speaks of this manager and this kind of library."""
        return (
            (not self.managers or manager in self.managers)
            and self.family in (None, family)
            and self.implementation in (None, implementation)
        )


class ManagedPair(_Client):
    """What is known of one range of managers with one range of libraries."""

    id: str
    manager_since: str
    manager_before: str
    client_since: str
    client_before: str
    but_same_release: bool = False
    """Whether the row does not speak of a library of the launcher's own release."""
    answer: Literal[Answer.COMPATIBLE, Answer.INCOMPATIBLE, Answer.UNKNOWN]
    is_silent: bool = False
    """Whether the job would end with exit code 0."""
    outcome: str

    def fits(self, manager: str | None, client: str | None) -> bool:
        """Whether the row speaks of these two versions, or may: None is one that is not known."""
        if self.but_same_release and manager and client and is_same(manager, client):
            return False
        is_managed = is_within_or_none(manager, self.manager_since, self.manager_before)
        return is_managed and is_within_or_none(client, self.client_since, self.client_before)

    def is_about_all(self, manager: str | None, client: str | None) -> bool:
        """Whether the row holds for every version that is not known."""
        ranges = []
        if manager is None:
            ranges.append((self.manager_since, self.manager_before))
        if client is None:
            ranges.append((self.client_since, self.client_before))
        return all(ends == _ALL for ends in ranges)


class UnservedRow(_Client):
    """What a library does under a manager that does not serve its PMI."""

    id: str
    since: str
    before: str
    is_silent: bool
    outcome: str


class ProcessManagers(Document):
    """What is known about process managers."""

    managers: tuple[ManagerRow, ...]
    pairs: tuple[ManagedPair, ...]
    unserved: tuple[UnservedRow, ...]

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        known = {row.id for row in self.managers}
        implementations = {row.id for row in mpi_families().implementations}
        rows: tuple[_Client, ...] = (*self.pairs, *self.unserved)
        strangers = {name for row in rows for name in row.managers} - known
        named = {name for row in self.managers for name in row.implementations}
        named |= {row.implementation for row in rows if row.implementation}
        if strangers or named - implementations:
            raise ValueError(f"unknown managers or implementations: {strangers or named}")
        last = self.unserved[-1]
        if last.managers or last.family or last.implementation:
            raise ValueError("the last row of `unserved` must fit everything")
        return self

    def of(self, implementation: str, version: str | None) -> tuple[ManagerRow, ...]:
        """Return the managers that releases of an implementation bring; several where unsure."""
        rows = tuple(row for row in self.managers if implementation in row.implementations)
        return rows if version is None else tuple(row for row in rows if row.holds(version))

    def pair(
        self,
        manager: ManagerRow,
        version: str | None,
        *,
        family: str,
        implementation: str,
        client: str | None,
    ) -> ManagedPair | None:
        """Return what is known of two releases beyond the PMI kinds that they have in common.

        Where a version is None the row may only hold for some of them (`is_about_all`).
        """
        for row in self.pairs:
            if row.is_about(manager.id, family, implementation) and row.fits(version, client):
                return row
        return None

    def outcome(
        self, manager: ManagerRow, *, family: str, implementation: str, client: str
    ) -> UnservedRow:
        """Return what a library does that this manager does not serve."""
        for row in self.unserved:
            holds = is_within(client, row.since, row.before)
            if holds and row.is_about(manager.id, family, implementation):
                return row
        return self.unserved[-1]


@cache
def process_managers() -> ProcessManagers:
    """Return the table of process managers."""
    return load_table("process_managers", ProcessManagers)
