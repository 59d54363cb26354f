"""MPI libraries among ELF files: family by symbols, version by names and constants; not PMI.

A soname proves nothing: Open MPI 1.10 and MPICH share `libmpi.so.12` (measured).
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from hpcrun.image.errors import ImageError
from hpcrun.image.fabric import find_fabric_uses
from hpcrun.image.libc import glibc_needed
from hpcrun.image.linking import Linker
from hpcrun.image.mpi_parts import (
    OWN_PARTS,
    find_aliases,
    find_companions,
    find_components,
    find_gpu_kinds,
    find_vendor,
    read_device,
)
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
    for copies in _candidates(survey):
        if len(libraries) >= LIBRARIES_MAX:
            survey.problems.add(f"more than {LIBRARIES_MAX} MPI libraries: the rest is not read")
            break
        try:
            libraries.append(_describe(copies, survey, linker))
        except ImageError as exc:
            survey.problems.tell(copies[0].path, exc)
    return tuple(libraries)


def _candidates(survey: Survey) -> Iterable[list[ElfFile]]:
    """MPI C libraries, each with its copies under other names, as wheels have them.

    The longest name comes first: it tells most.
    """
    by_content: dict[tuple[object, ...], list[ElfFile]] = {}
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
        by_content.setdefault(key, []).append(file)
    for copies in by_content.values():
        copies.sort(key=lambda file: -len(file.path.name))
    return by_content.values()


def _defines_mpi(file: ElfFile) -> bool:
    return file.elf.symbols.get("MPI_Init", False)


def _describe(copies: list[ElfFile], survey: Survey, linker: Linker) -> MpiLibrary:
    file, elf = copies[0], copies[0].elf
    constants = elf.read_only_data()
    implementation = _implementation(file, constants)
    version = read_version(file, constants, implementation)
    closure = [library for _, library in linker.closure(file) if library is not None]
    row = mpi_families().library(file.path.name)
    family: Family | Unknown = implementation.family if implementation else UNKNOWN
    parts = MpiParts(file, constants, closure, family, version.number)
    own = [file, *(library for library in closure if OWN_PARTS.match(library.soname))]
    name = implementation.id if implementation else UNKNOWN
    components, holders = find_components(own, survey) if family is Family.OPENMPI else ({}, ())
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
        implementation=name,
        vendor=find_vendor(name, file.path),
        device=read_device(constants) if family is Family.MPICH else None,
        components=tuple(components),
        aliases=find_aliases(file, copies, survey, linker),
        companions=find_companions(file, survey, linker),
        has_large_count="MPI_Send_c" in elf.symbols,
        has_abi_query="MPI_Abi_get_version" in elf.symbols,
        gpu=find_gpu_kinds(components, (n for part in (*own, *holders) for n in part.elf.needed)),
        fabrics=find_fabric_uses(own, holders, constants, linker),
    )


def _implementation(file: ElfFile, constants: bytes) -> Implementation | None:
    for row in mpi_families().implementations:
        if row.symbol in file.elf.symbols and row.text.encode() in constants:
            return row
    return None


def read_version(file: ElfFile, constants: bytes, implementation: Implementation | None) -> Version:
    """Tell the version of an implementation by a file's constants, else by its name."""
    if implementation is None:
        return Version(UNKNOWN, "")
    if implementation.phrase:
        phrases = {m.decode() for m in re.findall(implementation.phrase.encode(), constants)}
        if len(phrases) == 1:
            number = phrases.pop()
            return Version(number, f"constant with `{number}` in {file.path}")
    name = file.path.name
    by_name = mpi_families().version_by_file_name(implementation.id, name)
    pattern = implementation.version.encode()
    lines = {m.decode() for m in re.findall(rb"(?:^|\0)" + pattern + rb"(?=\0)", constants)}
    if by_name is not None:
        lines = {line for line in lines if _extends(line, by_name)}
    if len(lines) > 1 and implementation.tag:
        tag = implementation.tag.encode()
        lines = {line for line in lines if b"\0" + tag + line.encode() in constants}
    # Intel's 2021.19.0 also says 2021.19: the longer one tells more.
    lines -= {line for line in lines for other in lines if other.startswith(f"{line}.")}
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
