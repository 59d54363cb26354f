"""What belongs to an MPI library and what that tells; does not read any library."""

import re
from collections.abc import Iterable
from functools import cache, cached_property
from typing import Literal

from hpcrun.tables.mpi_families import Pattern
from hpcrun.tables.rows import Document, Row, any_of, load_table


class CompanionRow(Row):
    """File names of MPI libraries for one other language."""

    id: str
    pattern: Pattern
    language: Literal["fortran", "fortran-2008", "c++", "java"]


class CompilerRow(Row):
    """How one Fortran compiler spells the symbols of modules."""

    compiler: str
    pattern: Pattern


class FrameworkRow(Row):
    """Frameworks of Open MPI whose components are told."""

    names: tuple[str, ...]
    only: tuple[str, ...] = ()
    """The components that are told; all where empty."""


class StubRow(Row):
    """A component of Open MPI that does nothing where another one is there."""

    component: str
    beside: str


class GpuSign(Row):
    """What shows that an MPI library has code for one kind of GPU memory."""

    gpu: str
    component: Pattern
    needed: Pattern


class VendorRow(Row):
    """Whose build it is, by where it lies."""

    name: str
    implementation: str
    path: Pattern


class StarterRow(Row):
    """Programs that start ranks, or helpers of such."""

    pattern: Pattern
    kind: str
    library: Pattern
    """Needed library that carries the version in its place."""
    is_linked: bool = False
    """Whether the row is only about programs that need that library."""
    version: Pattern
    """Form of a constant that is nothing but the version; empty where there is none."""

    def carrier(self, needed: Iterable[str]) -> str | None:
        """Return which of the needed libraries carries the version."""
        return next((name for name in needed if re.fullmatch(self.library, name)), None)

    def is_about(self, needed: Iterable[str]) -> bool:
        """Whether it is about a program of that name that needs these libraries."""
        return not self.is_linked or self.carrier(needed) is not None


class ApiName(Row):
    """Form of symbols that belong to the interface of MPI."""

    pattern: Pattern


class MpiParts(Document):
    """All that is known about the parts of MPI installations."""

    companions: tuple[CompanionRow, ...]
    compilers: tuple[CompilerRow, ...]
    frameworks: tuple[FrameworkRow, ...]
    stubs: tuple[StubRow, ...]
    gpu_signs: tuple[GpuSign, ...]
    vendors: tuple[VendorRow, ...]
    starters: tuple[StarterRow, ...]
    api_names: tuple[ApiName, ...]

    def companion(self, file_name: str) -> CompanionRow | None:
        """Return the row of a library for another language."""
        return next((r for r in self.companions if re.fullmatch(r.pattern, file_name)), None)

    def starter_rows(self, file_name: str) -> tuple[StarterRow, ...]:
        """Return the rows for a program of that name, if it starts ranks."""
        if self._any_starter.fullmatch(file_name) is None:
            return ()
        return tuple(row for row in self.starters if re.fullmatch(row.pattern, file_name))

    @cached_property
    def _any_starter(self) -> re.Pattern[str]:
        return any_of(self.starters)

    def vendor(self, implementation: str, path: str) -> VendorRow | None:
        """Return whose build a library is, by where it lies."""
        rows = (row for row in self.vendors if row.implementation == implementation)
        return next((row for row in rows if re.fullmatch(row.path, path)), None)

    def is_told(self, framework: str, component: str) -> bool:
        """Whether a component of Open MPI decides where it runs."""
        rows = (row for row in self.frameworks if framework in row.names)
        return any(not row.only or component in row.only for row in rows)

    def is_api_name(self, symbol: str) -> bool:
        """Whether a symbol belongs to the interface of MPI."""
        return self._api.fullmatch(symbol) is not None

    @cached_property
    def _api(self) -> re.Pattern[str]:
        return any_of(self.api_names)


@cache
def mpi_parts() -> MpiParts:
    """Return the table of the parts of MPI installations."""
    return load_table("mpi_parts", MpiParts)
