"""Network libraries and what gives them away; does not read any library."""

import re
from functools import cache, cached_property
from typing import Self

from pydantic import model_validator

from hpcrun.tables.mpi_families import Pattern
from hpcrun.tables.rows import Document, Row, any_of, load_table


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


class Network(Row):
    """A way to reach a network that is faster than TCP."""

    network: str
    """As profiles name it: infiniband, omni-path, slingshot, efa."""
    library: str
    part: Pattern | None = None
    """Provider or transport of the library; None where the library itself reaches it."""


class Fabrics(Document):
    """All that is known about network libraries."""

    libraries: tuple[FabricRow, ...]
    networks: tuple[Network, ...]
    built_in: tuple[BuiltIn, ...]

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        used = {row.library for row in self.built_in} | {row.library for row in self.networks}
        strangers = used - {row.id for row in self.libraries}
        if strangers:
            raise ValueError(f"providers of unknown libraries: {sorted(strangers)}")
        return self

    def is_fast(self, network: str) -> bool:
        """Whether there is a better way over a network than TCP."""
        return any(row.network == network for row in self.networks)

    def reaches(self, network: str, library: str, part: str) -> bool:
        """Whether a network library reaches a network by one of its parts, "" being itself."""
        return any(
            row.network == network
            and row.library == library
            and (not part if row.part is None else re.fullmatch(row.part, part) is not None)
            for row in self.networks
        )

    def library(self, file_name: str) -> FabricRow | None:
        """Return the row whose pattern a file name matches."""
        if self._any_library.fullmatch(file_name) is None:
            return None
        return next((r for r in self.libraries if re.fullmatch(r.pattern, file_name)), None)

    @cached_property
    def _any_library(self) -> re.Pattern[str]:
        return any_of(self.libraries)

    def named(self, row_id: str) -> FabricRow | None:
        """Return a row by its id."""
        return next((row for row in self.libraries if row.id == row_id), None)


@cache
def fabrics() -> Fabrics:
    """Return the table of network libraries."""
    return load_table("fabrics", Fabrics)
