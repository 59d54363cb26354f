"""What a command comes to run and load inside an image; does not find it out."""

from typing import Literal

from hpcrun.model.base import UNKNOWN, Unknown, Value
from hpcrun.model.mpi_user import Family, MpiUser
from hpcrun.model.seen import Certainty, Seen


class Step(Value):
    """One file that is executed on the way from a command to its program."""

    name: str
    """As it is called."""
    path: str | None
    """Real path inside the container; None where it was not found."""
    kind: Literal["elf", "script", "python", "unknown", "missing"]
    through: str
    """What calls it: the command, a first line, a line of a script, a wrapper."""
    certainty: Certainty = Certainty.SURE
    """A hint where not every way through a script leads there."""


class LoadedLibrary(Seen):
    """One library that the loader takes for a program, or looks for in vain.

    The evidence is the rule by which it is found: RUNPATH of a file, /etc/ld.so.cache.
    """

    name: str
    """As it is asked for."""
    path: str | None
    needed_by: str
    levels: tuple[str, ...] = ()
    """Folders of glibc-hwcaps with another copy, for newer processors."""


class ImportedModule(Value):
    """A Python extension module that the program imports."""

    name: str
    path: str
    imported_by: str
    """File with its line."""
    certainty: Certainty
    """A hint where the import stands in a function or behind a condition."""


class VersionNeed(Seen):
    """The highest symbol version of one kind that the program and its closure need."""

    kind: Literal["GLIBC", "GLIBCXX", "CXXABI", "GCC"]
    version: str
    path: str
    """The file that needs it."""
    symbol: str | Unknown = UNKNOWN
    library: str = ""
    """The library that must define it, as it is asked for."""
    is_met: bool | Unknown = UNKNOWN
    """Whether the file that is loaded for this library defines it."""
    offered: str | None = None
    """The highest version of this kind that this file defines."""


class BuiltInMpi(Seen):
    """An MPI that was linked into the program itself, so that nothing can replace it."""

    path: str
    implementation: str
    family: Family


class CommandFacts(Value):
    """A command, followed to the program that it ends in and to what is loaded into it."""

    argv: tuple[str, ...]
    steps: tuple[Step, ...]
    """In the order in which they are met."""
    doubts: tuple[str, ...] = ()
    """What could not be followed, each with file and line; what was found may not be all."""
    closure: tuple[LoadedLibrary, ...] = ()
    modules: tuple[ImportedModule, ...] = ()
    mpi_users: tuple[MpiUser, ...] | Unknown = UNKNOWN
    """What in this command needs MPI; unknown where it could not be followed to its end."""
    built_in: tuple[BuiltInMpi, ...] = ()
    """MPI inside the programs; `mpi_users` is then unknown unless others were found."""
    needs: tuple[VersionNeed, ...] = ()

    @property
    def is_sure(self) -> bool:
        """Whether all that it runs was followed, and runs in any case."""
        return not self.doubts_beside_lacks and all(
            s.certainty is Certainty.SURE for s in self.steps
        )

    @property
    def doubts_beside_lacks(self) -> tuple[str, ...]:
        """Doubts without those that only repeat which libraries it lacks."""
        lacks = tuple(f"`{each.name}`, which {each.needed_by} needs" for each in self.missing)
        return tuple(doubt for doubt in self.doubts if not doubt.startswith(lacks))

    @property
    def missing(self) -> tuple[LoadedLibrary, ...]:
        """Libraries that the loader looks for in vain, the first one first."""
        return tuple(library for library in self.closure if library.path is None)
