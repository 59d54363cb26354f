"""Names of processor architectures: uname, OCI, ELF and SIF words; does not compare images."""

from functools import cache
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from hpcrun.tables.rows import Document, Row, load_table

if TYPE_CHECKING:
    from collections.abc import Callable


class Architecture(Row):
    """One processor architecture under all its names."""

    uname: str
    """As `uname -m` says: x86_64, aarch64."""
    oci: str
    """As OCI images and Apptainer say: amd64, arm64."""
    elf_machine: int
    elf_class: Literal[32, 64]
    elf_data: Literal["little", "big"]
    sif_code: str = Field(pattern=r"^[0-9]{2}$")
    runs: tuple[str, ...]
    """Further architectures (uname words) whose programs its processors run by themselves."""
    may_run: tuple[str, ...] = ()
    """Likewise, but only some of its processors do."""


class _Document(Document):
    architectures: tuple[Architecture, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        rows = self.architectures
        names: tuple[Callable[[Architecture], object], ...] = (
            lambda row: row.uname,
            lambda row: row.oci,
            lambda row: row.sif_code,
            lambda row: (row.elf_machine, row.elf_class, row.elf_data),
        )
        for name in names:
            if len({name(row) for row in rows}) != len(rows):
                raise ValueError("a name of an architecture stands in two rows")
        strangers = {other for row in rows for other in (*row.runs, *row.may_run)} - {
            row.uname for row in rows
        }
        if strangers:
            raise ValueError(f"`runs` names architectures without a row: {sorted(strangers)}")
        return self


@cache
def architectures() -> "ArchitectureTable":
    """Return the table of architecture names."""
    return ArchitectureTable(load_table("architectures", _Document).architectures)


class ArchitectureTable:
    """Look-ups by each kind of name; None where the name is not in the table."""

    def __init__(self, rows: tuple[Architecture, ...]) -> None:
        self.rows = rows
        self._by_uname = {row.uname: row for row in rows}
        self._by_oci = {row.oci: row for row in rows}
        self._by_sif_code = {row.sif_code: row for row in rows}
        self._by_elf: dict[tuple[int, int, str], Architecture] = {
            (row.elf_machine, row.elf_class, row.elf_data): row for row in rows
        }

    def by_uname(self, name: str) -> Architecture | None:
        """Find by what `uname -m` says."""
        return self._by_uname.get(name)

    def by_oci(self, name: str) -> Architecture | None:
        """Find by the OCI name."""
        return self._by_oci.get(name)

    def by_sif_code(self, code: str) -> Architecture | None:
        """Find by the two digits of a SIF header."""
        return self._by_sif_code.get(code)

    def by_elf(self, machine: int, elf_class: int, elf_data: str) -> Architecture | None:
        """Find by e_machine, bits (32 or 64) and byte order (`little` or `big`)."""
        return self._by_elf.get((machine, elf_class, elf_data))

    def oci_of(self, uname: str) -> str:
        """Return the OCI name for a uname word; the word itself where the table lacks it."""
        row = self._by_uname.get(uname)
        return row.oci if row else uname

    def uname_of(self, oci: str) -> str:
        """Return the uname word for an OCI name; the name itself where the table lacks it."""
        row = self._by_oci.get(oci)
        return row.uname if row else oci
