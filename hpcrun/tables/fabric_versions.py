"""Which release of a network library has which version of its symbols; does not read any file."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Protocol, Self, TypeVar

from pydantic import model_validator

from hpcrun.tables.rows import Document, Row, load_table
from hpcrun.tables.versions import version_key


class RdmaCore(Row):
    """Releases of rdma-core whose libibverbs and drivers belong together."""

    since: str
    private: int


class Libfabric(Row):
    """Releases of libfabric with the same highest version of its public symbols."""

    since: str
    interface: str


class UcxNeed(Row):
    """What UCX needs of a library beside it, from a release on."""

    since: str
    library: str
    """Row in fabrics.yaml."""
    at_least: str


class _Rung(Protocol):
    @property
    def since(self) -> str:
        """The first release."""


R = TypeVar("R", bound=_Rung)


class FabricVersions(Document):
    """The ladders of network libraries."""

    rdma_core: tuple[RdmaCore, ...]
    libfabric: tuple[Libfabric, ...]
    ucx: tuple[UcxNeed, ...]

    @model_validator(mode="after")
    def _check_ladders(self) -> Self:
        rdma = [(version_key(row.since), (row.private,)) for row in self.rdma_core]
        ofi = [(version_key(row.since), interface_key(row.interface)) for row in self.libfabric]
        for name, rungs in (("rdma_core", rdma), ("libfabric", ofi)):
            for (since, level), (later, higher) in pairwise(rungs):
                if since >= later or level >= higher:
                    raise ValueError(f"ladder {name} does not rise at {later}")
        return self

    def private_of(self, rdma_core: str) -> int | None:
        """Return the version of the private symbols of a release of rdma-core."""
        row = _rung(self.rdma_core, rdma_core)
        return row.private if row else None

    def rdma_core_of(self, private: int) -> str | None:
        """Name the releases of rdma-core with these private symbols; None where unknown."""
        for row, after in zip(self.rdma_core, (*self.rdma_core[1:], None), strict=True):
            if row.private == private:
                return f"rdma-core {row.since}" + (f" to before {after.since}" if after else "")
        return None

    def interface_of(self, libfabric: str) -> str | None:
        """Return the highest version of the public symbols of a release of libfabric."""
        row = _rung(self.libfabric, libfabric)
        return row.interface if row else None

    def libfabric_with(self, interface: str) -> str | None:
        """Return the first release of libfabric that has a version of the public symbols."""
        rows = (row.since for row in self.libfabric if row.interface == interface)
        return next(rows, None)

    def ucx_needs(self, ucx: str) -> tuple[UcxNeed, ...]:
        """Return what a release of UCX needs."""
        return tuple(row for row in self.ucx if version_key(ucx) >= version_key(row.since))


def _rung(rows: Sequence[R], version: str) -> R | None:
    """Return the last rung that a version has reached."""
    key = version_key(version)
    return next((row for row in reversed(rows) if key and version_key(row.since) <= key), None)


def interface_key(interface: str) -> tuple[int, ...]:
    """Return the number of a version of symbols: `FABRIC_1.7` is (1, 7)."""
    return version_key(interface.rpartition("_")[2])


@cache
def fabric_versions() -> FabricVersions:
    """Return the ladders of network libraries."""
    return load_table("fabric_versions", FabricVersions)
