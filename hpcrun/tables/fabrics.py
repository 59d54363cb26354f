"""Network libraries and what gives them away; does not read any library."""

import re
from functools import cache
from typing import Self

from pydantic import model_validator

from hpcrun.tables.mpi_families import Pattern
from hpcrun.tables.rows import Document, Row, load_table


class FabricRow(Row):
    """One network library."""

    id: str
    name: str
    pattern: Pattern
    """File names."""
    interface: Pattern | None = None
    """Versions of its public symbols."""
    private: Pattern | None = None
    """Versions of the symbols that its providers use."""
    versions: tuple[Pattern, ...] = ()
    """Forms of constants that tell the version; their first groups."""
    file_version: Pattern | None = None
    """Real file names that tell the version; their first group."""
    parts: Pattern | None = None
    """File names of its providers or transports; the first group is the name."""


class BuiltIn(Row):
    """A provider that may be inside a library."""

    library: str
    name: str
    pattern: Pattern
    """Constants that it leaves in the library."""


class Fabrics(Document):
    """All that is known about network libraries."""

    libraries: tuple[FabricRow, ...]
    built_in: tuple[BuiltIn, ...]

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        strangers = {row.library for row in self.built_in} - {row.id for row in self.libraries}
        if strangers:
            raise ValueError(f"providers of unknown libraries: {sorted(strangers)}")
        return self

    def library(self, file_name: str) -> FabricRow | None:
        """Return the row whose pattern a file name matches."""
        return next((r for r in self.libraries if re.fullmatch(r.pattern, file_name)), None)

    def named(self, row_id: str) -> FabricRow | None:
        """Return a row by its id."""
        return next((row for row in self.libraries if row.id == row_id), None)


@cache
def fabrics() -> Fabrics:
    """Return the table of network libraries."""
    return load_table("fabrics", Fabrics)
