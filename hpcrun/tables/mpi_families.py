"""How an MPI library is known by its bytes; does not read any library."""

import re
from functools import cache, cached_property
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, model_validator

from hpcrun.model.image import Family
from hpcrun.tables.rows import Document, Row, any_of, load_table

Kind = Literal["pmi1", "pmi2", "pmix"]


def _compiled(pattern: str) -> str:
    re.compile(pattern)
    return pattern


Pattern = Annotated[str, AfterValidator(_compiled)]


class LibraryName(Row):
    """File names of an MPI C library; the family where the name alone tells it."""

    id: str
    pattern: Pattern
    family: Family | None = None


class Implementation(Row):
    """One implementation of MPI and what gives it away."""

    id: str
    name: str
    family: Family
    symbol: str
    """Dynamic symbol, defined or needed."""
    text: str
    """Constant; empty where the symbol is enough."""
    version: Pattern
    """Form of a constant that is nothing but the version; its first group."""
    tag: str
    """Letter before the same version in a second constant that confirms it."""
    phrase: Pattern | None = None
    """Longer constant that names implementation and version together; its first group."""


class BuiltIn(Row):
    """What gives a program away that holds an implementation inside itself."""

    implementation: str
    texts: tuple[str, ...]


class FileName(Row):
    """What the numbers of a library's real file name say about its version."""

    id: str
    implementation: str
    pattern: Pattern
    version: str

    def decode(self, file_name: str) -> str | None:
        """Return the version, or only its series, that a file name tells."""
        match = re.fullmatch(self.pattern, file_name)
        return self.version.replace("{revision}", match.group(1)) if match else None


class Client(Row):
    """A PMI client that is part of an MPI library."""

    id: str
    family: Family
    kind: Kind
    texts: tuple[str, ...]
    without: tuple[str, ...]
    shown: str


class PmiPart(Row):
    """A file whose name tells the PMI kind that it brings."""

    id: str
    pattern: Pattern
    kind: Kind


class BindingTag(Row):
    """A tag in the file name of a Python module that is built once per MPI."""

    tag: str
    family: Family


class Named(Row):
    """Names of programs."""

    id: str
    pattern: Pattern


class MpiFamilies(Document):
    """All that is known about recognising MPI libraries."""

    libraries: tuple[LibraryName, ...]
    implementations: tuple[Implementation, ...]
    built_in: tuple[BuiltIn, ...]
    file_names: tuple[FileName, ...]
    clients: tuple[Client, ...]
    components: tuple[PmiPart, ...]
    pmi_libraries: tuple[PmiPart, ...]
    binding_tags: tuple[BindingTag, ...]
    own_programs: tuple[Named, ...]
    launchers: tuple[Named, ...]

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        known = {row.id for row in self.implementations}
        named: tuple[FileName | BuiltIn, ...] = (*self.file_names, *self.built_in)
        strangers = {row.implementation for row in named} - known
        if strangers:
            raise ValueError(f"rows of unknown implementations: {sorted(strangers)}")
        return self

    def library(self, file_name: str) -> LibraryName | None:
        """Return the row whose pattern a file name matches, if it may be an MPI C library."""
        if self._any_library.fullmatch(file_name) is None:
            return None
        return _first(self.libraries, file_name)

    @cached_property
    def _any_library(self) -> re.Pattern[str]:
        return any_of(self.libraries)

    def family_inside(self, family: str, implementation: str) -> str:
        """Return the family whose code a library is: one of the standard ABI is some other's."""
        if family != Family.MPI_ABI:
            return family
        rows = (row for row in self.implementations if row.id == implementation)
        return next((row.family for row in rows), family)

    def implementation_name(self, implementation: str) -> str | None:
        """Return the name that people know an implementation by."""
        return self._names.get(implementation)

    @cached_property
    def _names(self) -> dict[str, str]:
        return {row.id: row.name for row in self.implementations}

    def built_into(self, constants: bytes) -> Implementation | None:
        """Return the implementation that a program's constants give away as linked into it."""
        for row in self.built_in:
            if all(text.encode() in constants for text in row.texts):
                return next(each for each in self.implementations if each.id == row.implementation)
        return None

    def version_by_file_name(self, implementation: str, file_name: str) -> str | None:
        """Return what a real file name tells about the version."""
        rows = (row for row in self.file_names if row.implementation == implementation)
        return next((version for row in rows if (version := row.decode(file_name))), None)

    def component(self, name: str) -> PmiPart | None:
        """Return the row for a pmix component of Open MPI."""
        return _first(self.components, name)

    def pmi_library(self, soname: str) -> PmiPart | None:
        """Return the row for a needed library that carries a PMI client."""
        return _first(self.pmi_libraries, soname)

    def binding_family(self, tag: str) -> Family | None:
        """Return the family of a Python module built once per MPI."""
        return next((row.family for row in self.binding_tags if row.tag == tag), None)

    def is_own_program(self, file_name: str) -> bool:
        """Whether a program of this name comes with an MPI installation."""
        return self._any_own_program.fullmatch(file_name) is not None

    @cached_property
    def _any_own_program(self) -> re.Pattern[str]:
        return any_of(self.own_programs)

    def is_launcher(self, file_name: str) -> bool:
        """Whether a program of this name starts ranks."""
        return _first(self.launchers, file_name) is not None


R = TypeVar("R", LibraryName, PmiPart, Named)


def _first(rows: tuple[R, ...], name: str) -> R | None:
    return next((row for row in rows if re.fullmatch(row.pattern, name)), None)


@cache
def mpi_families() -> MpiFamilies:
    """Return the table of how MPI libraries are recognised."""
    return load_table("mpi_families", MpiFamilies)
