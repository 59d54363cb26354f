"""MPI libraries among ELF files: family by symbols, version by names and constants; not PMI.

A soname proves nothing: Open MPI 1.10 and MPICH share `libmpi.so.12` (measured).
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from hpcrun.image.errors import ImageError
from hpcrun.image.libc import glibc_needed
from hpcrun.image.linking import Linker
from hpcrun.image.pmi import MpiParts, read_pmi
from hpcrun.image.survey import ElfFile, Survey
from hpcrun.model.base import UNKNOWN, Unknown
from hpcrun.model.image import Family, MpiLibrary
from hpcrun.tables.mpi_families import Implementation, mpi_families

LIBRARIES_MAX = 64


class Version(NamedTuple):
    """A version and what it was read from."""

    number: str | Unknown
    evidence: str


def find_mpi_libraries(survey: Survey, linker: Linker) -> tuple[MpiLibrary, ...]:
    """Describe every MPI C library of the tree, copies of one library once."""
    libraries: list[MpiLibrary] = []
    for file in _candidates(survey):
        if len(libraries) >= LIBRARIES_MAX:
            survey.problems.add(f"more than {LIBRARIES_MAX} MPI libraries: the rest is not read")
            break
        try:
            libraries.append(_describe(file, survey, linker))
        except ImageError as exc:
            survey.problems.tell(file.path, exc)
    return tuple(libraries)


def _candidates(survey: Survey) -> Iterable[ElfFile]:
    """MPI C libraries; of copies under several names, as wheels have them, the longest name."""
    by_content: dict[tuple[object, ...], ElfFile] = {}
    for file in survey.elf_files:
        if mpi_families().library(file.path.name) is None:
            continue
        try:
            if not file.elf.is_dynamic or not _defines_mpi(file):
                continue
            key = (file.path.parent, file.soname, file.node.size)
        except ImageError as exc:
            survey.problems.tell(file.path, exc)
            continue
        known = by_content.get(key)
        if known is None or len(file.path.name) > len(known.path.name):
            by_content[key] = file
    return by_content.values()


def _defines_mpi(file: ElfFile) -> bool:
    return file.elf.symbols.get("MPI_Init", False)


def _describe(file: ElfFile, survey: Survey, linker: Linker) -> MpiLibrary:
    elf = file.elf
    constants = elf.read_only_data()
    implementation = _implementation(file, constants)
    version = _version(file, constants, implementation)
    closure = [library for _, library in linker.closure(file) if library is not None]
    row = mpi_families().library(file.path.name)
    family: Family | Unknown = implementation.family if implementation else UNKNOWN
    parts = MpiParts(file, constants, closure, family, version.number)
    return MpiLibrary(
        family=(row.family if row else None) or family,
        version=version.number,
        version_evidence=version.evidence,
        path=str(file.path),
        soname=file.soname,
        file_name=file.path.name,
        arch=file.arch,
        pmi=read_pmi(parts, survey, linker),
        rpath=elf.rpath,
        runpath=elf.runpath,
        needed=elf.needed,
        glibc_needed=glibc_needed((file, *closure)),
    )


def _implementation(file: ElfFile, constants: bytes) -> Implementation | None:
    for row in mpi_families().implementations:
        if row.symbol in file.elf.symbols and row.text.encode() in constants:
            return row
    return None


def _version(file: ElfFile, constants: bytes, implementation: Implementation | None) -> Version:
    if implementation is None:
        return Version(UNKNOWN, "")
    name = file.path.name
    by_name = mpi_families().version_by_file_name(implementation.id, name)
    pattern = implementation.version.encode()
    lines = {m.decode() for m in re.findall(rb"(?:^|\0)" + pattern + rb"(?=\0)", constants)}
    if by_name is not None:
        lines = {line for line in lines if _extends(line, by_name)}
    if len(lines) > 1 and implementation.tag:
        tag = implementation.tag.encode()
        lines = {line for line in lines if b"\0" + tag + line.encode() in constants}
    if len(lines) == 1:
        number = lines.pop()
        said = f"; file name {name} says {by_name}" if by_name else ""
        return Version(number, f"constant `{number}` in {file.path}{said}")
    if by_name is not None:
        return Version(by_name, f"file name {file.path}")
    return Version(UNKNOWN, "")


def _extends(version: str, series: str) -> bool:
    """Whether a version is one of a series: 4.1.4 and 4.1.4rc1 of 4.1 and of 4.1.4."""
    rest = version.removeprefix(series)
    return version.startswith(series) and not rest[:1].isdigit()
