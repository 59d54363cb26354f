"""What belongs to an MPI library and what that tells; does not read any library."""

import re
from functools import cache, cached_property
from typing import Literal

from hpcrun.tables.mpi_families import Pattern
from hpcrun.tables.rows import Document, Row, load_table


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
    version: Pattern
    """Form of a constant that is nothing but the version; empty where there is none."""


class ApiName(Row):
    """Form of symbols that belong to the interface of MPI."""

    pattern: Pattern


class MpiParts(Document):
    """All that is known about the parts of MPI installations."""

    companions: tuple[CompanionRow, ...]
    compilers: tuple[CompilerRow, ...]
    frameworks: tuple[FrameworkRow, ...]
    gpu_signs: tuple[GpuSign, ...]
    vendors: tuple[VendorRow, ...]
    starters: tuple[StarterRow, ...]
    api_names: tuple[ApiName, ...]

    def companion(self, file_name: str) -> CompanionRow | None:
        """Return the row of a library for another language."""
        return next((r for r in self.companions if re.fullmatch(r.pattern, file_name)), None)

    def starter(self, file_name: str) -> StarterRow | None:
        """Return the row of a program that starts ranks."""
        return next((r for r in self.starters if re.fullmatch(r.pattern, file_name)), None)

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
        return re.compile("|".join(f"(?:{row.pattern})" for row in self.api_names))


@cache
def mpi_parts() -> MpiParts:
    """Return the table of the parts of MPI installations."""
    return load_table("mpi_parts", MpiParts)
