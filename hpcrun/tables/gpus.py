"""Software for GPUs and what gives it away; does not read any library."""

import re
from functools import cache, cached_property

from hpcrun.tables.mpi_families import Pattern
from hpcrun.tables.rows import Document, Row, any_of, load_table


class GpuRow(Row):
    """One library of a GPU's software."""

    id: str
    pattern: Pattern
    """File names."""
    folder: Pattern = ".*"
    """Where it must lie to be meant."""
    file_version: Pattern | None = None
    """Real file names that tell the version; their first group."""
    versions: tuple[Pattern, ...] = ()
    """Forms of constants that tell the version; their first groups."""
    vendor: str | None = None
    """Whose GPUs an image with it is made for."""
    has_code: bool = False
    """Whether device code is to be looked for."""


class ToolkitRow(Row):
    """A file of a toolkit that says its release."""

    kind: str
    folder: str
    entry: Pattern
    file: str
    pattern: Pattern


class Named(Row):
    """Names, by their form."""

    pattern: Pattern


class Gpus(Document):
    """All that is known about software for GPUs."""

    libraries: tuple[GpuRow, ...]
    toolkits: tuple[ToolkitRow, ...]
    variables: tuple[Named, ...]
    users: tuple[Named, ...]

    def library(self, folder: str, file_name: str) -> GpuRow | None:
        """Return the row of a library by where it lies."""
        if self._any_library.fullmatch(file_name) is None:
            return None
        for row in self.libraries:
            if re.fullmatch(row.pattern, file_name) and re.fullmatch(row.folder, folder):
                return row
        return None

    @cached_property
    def _any_library(self) -> re.Pattern[str]:
        return any_of(self.libraries)

    @cached_property
    def vendors(self) -> dict[str, str]:
        """Whose GPUs the libraries are made for, by their rows."""
        return {row.id: row.vendor for row in self.libraries if row.vendor}

    def is_variable(self, name: str) -> bool:
        """Whether a variable speaks to GPU runtimes."""
        return any(re.fullmatch(row.pattern, name) for row in self.variables)

    def is_used(self, soname: str) -> bool:
        """Whether who needs this library may hold device code."""
        return any(re.fullmatch(row.pattern, soname) for row in self.users)


@cache
def gpus() -> Gpus:
    """Return the table of software for GPUs."""
    return load_table("gpus", Gpus)
