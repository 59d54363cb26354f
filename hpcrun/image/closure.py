"""What MPI libraries of a host come to need: files, places, symbol versions; does not judge it."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from hpcrun.image.libc import glibc_needed
from hpcrun.image.linking import Linker, is_c_library
from hpcrun.image.survey import ElfFile
from hpcrun.model.mpi import ClosureFile
from hpcrun.tables.versions import version_key

_CXX = "GLIBCXX_"


class Part(NamedTuple):
    """A needed soname, and the file that serves it on this host."""

    soname: str
    file: ElfFile | None


class Closure(NamedTuple):
    """A library with everything that it comes to need, but for the C library's own files."""

    start: ElfFile
    parts: tuple[Part, ...]

    def inside(self, prefix: PurePosixPath) -> list[ElfFile]:
        """Return the library and what of its closure lies in a folder."""
        files = [part.file for part in self.parts if part.file is not None]
        return [self.start, *(file for file in files if file.path.is_relative_to(prefix))]


def read_closure(start: ElfFile, linker: Linker) -> Closure:
    """Follow the needs of a library to their end."""
    return Closure(start, tuple(Part(*found) for found in linker.closure(start)))


def merge(closures: Iterable[Closure]) -> tuple[Part, ...]:
    """Return the parts of several closures, each soname once, a file before none."""
    parts: dict[str, Part] = {}
    for closure in closures:
        for part in closure.parts:
            if part.soname not in parts or parts[part.soname].file is None:
                parts[part.soname] = part
    return tuple(parts[soname] for soname in sorted(parts))


def describe(part: Part, prefix: PurePosixPath) -> ClosureFile:
    """Say what one needed file offers and needs."""
    file = part.file
    if file is None:
        return ClosureFile(soname=part.soname, path=None)
    needed = file.elf.versions_needed
    return ClosureFile(
        soname=part.soname,
        path=str(file.path),
        is_inside=file.path.is_relative_to(prefix),
        glibc_needed=glibc_needed([file]),
        libstdcxx_needed=libstdcxx_needed([file]),
        versions_needed={
            soname: tuple(sorted(versions))
            for soname, versions in sorted(needed.items())
            if versions and not is_c_library(soname)
        },
        versions_defined=tuple(sorted(file.elf.versions_defined)),
    )


def libstdcxx_needed(files: Iterable[ElfFile]) -> str | None:
    """Return the highest x.y.z of GLIBCXX_x.y.z that any of these files needs."""
    found = [
        version.removeprefix(_CXX)
        for file in files
        for versions in file.elf.versions_needed.values()
        for version in versions
        if version.startswith(_CXX) and version[len(_CXX) :][:1].isdigit()
    ]
    return max(found, key=version_key, default=None)
