"""Which symbols of MPI's interface a program cannot do without, with the libraries it loads."""

from collections.abc import Callable
from typing import NamedTuple

from hpcrun.image.errors import ImageError
from hpcrun.image.linking import CLOSURE_MAX
from hpcrun.image.problems import Problems
from hpcrun.image.survey import ElfFile
from hpcrun.model.api_names import ApiNames
from hpcrun.model.base import UNKNOWN, Unknown
from hpcrun.tables.mpi_families import mpi_families
from hpcrun.tables.mpi_parts import mpi_parts

SYMBOLS_MAX = 5000


class Interface(NamedTuple):
    """What a program asks MPI for."""

    symbols: ApiNames | Unknown
    companions: tuple[str, ...]
    """Sonames of MPI's libraries for other languages."""


def find_interface(
    program: ElfFile, find: Callable[[str, str], ElfFile | None], problems: Problems
) -> Interface:
    """Collect what a program and the libraries of its closure need of MPI.

    MPI's own libraries are where the walk ends. What only a weak reference names, or another
    library of the closure defines, is not needed.
    """
    needed: set[str] = set()
    defined: set[str] = set()
    companions: set[str] = set()
    try:
        for file in _closure(program, find, companions):
            if not _may_need_mpi(file):
                continue
            for symbol in file.elf.symbol_table:
                if mpi_parts().is_api_name(symbol.name):
                    if symbol.is_defined:
                        defined.add(symbol.name)
                    elif not symbol.is_weak:
                        needed.add(symbol.name)
    except ImageError as exc:
        problems.tell(program.path, exc)
        return Interface(UNKNOWN, tuple(sorted(companions)))
    names = needed - defined
    symbols = ApiNames.of(names) if len(names) <= SYMBOLS_MAX else UNKNOWN
    return Interface(symbols, tuple(sorted(companions)))


def _closure(
    program: ElfFile, find: Callable[[str, str], ElfFile | None], companions: set[str]
) -> list[ElfFile]:
    """Return the program and its libraries in the tree, without MPI's own."""
    files = [program]
    seen = {program.path}
    for file in files:
        for name in file.elf.needed:
            if mpi_families().library(name):
                continue
            if mpi_parts().companion(name):
                companions.add(name)
                continue
            library = find(name, file.arch)
            if library is not None and library.path not in seen and len(seen) < CLOSURE_MAX:
                seen.add(library.path)
                files.append(library)
    return files


def _may_need_mpi(file: ElfFile) -> bool:
    """Whether a file is linked to MPI; others can define its symbols, but hardly do."""
    return any(
        mpi_families().library(name) or mpi_parts().companion(name) for name in file.elf.needed
    )
