"""What belongs to an MPI library: other names, companions, components, its interface's symbols."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from hpcrun.image.errors import ImageError
from hpcrun.image.linking import Linker
from hpcrun.image.survey import ElfFile, Survey
from hpcrun.model.api_names import ApiNames
from hpcrun.model.base import UNKNOWN, Unknown
from hpcrun.model.mpi import MpiCompanion, MpiVendor
from hpcrun.model.seen import Certainty
from hpcrun.tables.mpi_families import mpi_families
from hpcrun.tables.mpi_parts import mpi_parts

ALIASES_MAX = 16
COMPANIONS_MAX = 32
COMPONENTS_MAX = 64
_DEVICE = re.compile(rb"(?:^|\0)(ch[34]:[a-z0-9]+(?: [a-z0-9]+){0,3})(?=\0)")
_COMPONENT = re.compile(r"mca_([a-z0-9]+)_([a-z0-9_]+?)(?:\.so|_component)")
_PMIX_PART = re.compile(r"(?:[A-Za-z0-9]+_)?mca_(psec|gds)_([a-z0-9]+)(?:_component|\.so)")
OWN_PARTS = re.compile(r"lib(mpi|open[-_])")
"""Libraries that an MPI implementation is made of, as against those that it merely uses."""


def exported(files: Iterable[ElfFile]) -> ApiNames:
    """Return the symbols of MPI's interface that files define."""
    return ApiNames.of(
        name
        for file in files
        for name, is_defined in file.elf.symbols.items()
        if is_defined and mpi_parts().is_api_name(name)
    )


def read_device(constants: bytes) -> str | None:
    """Return MPICH's device, where exactly one is named."""
    found = {match.decode() for match in _DEVICE.findall(constants)}
    return found.pop() if len(found) == 1 else None


def find_vendor(implementation: str, path: PurePosixPath) -> MpiVendor | None:
    """Tell whose build it is, as far as its place tells."""
    row = mpi_parts().vendor(implementation, str(path))
    if row is None:
        return None
    return MpiVendor(name=row.name, evidence=str(path), certainty=Certainty.HINT)


def find_aliases(
    file: ElfFile, copies: Iterable[ElfFile], survey: Survey, linker: Linker
) -> tuple[str, ...]:
    """Return further names under which the loader finds a library: links to it, and copies."""
    names = {copy.path.name for copy in copies}
    for link in survey.links:
        if mpi_families().library(link.name) and linker.real_path(link) == file.path:
            names.add(link.name)
    return tuple(sorted(names - {file.path.name, file.soname}))[:ALIASES_MAX]


def find_companions(
    library: ElfFile, survey: Survey, linker: Linker, *, with_exports: bool = False
) -> tuple[MpiCompanion, ...]:
    """Describe the libraries for other languages that are linked to a C library."""
    found: dict[tuple[PurePosixPath, str], MpiCompanion] = {}
    for file in survey.elf_files:
        row = mpi_parts().companion(file.path.name)
        if row is None or file.arch != library.arch or len(found) >= COMPANIONS_MAX:
            continue
        try:
            if not _is_linked(file, library, linker):
                continue
            companion = MpiCompanion(
                language=row.language,
                path=str(file.path),
                soname=file.soname,
                compiler=_compiler(file),
                exports=exported([file]) if with_exports else None,
                evidence=f"{file.path} needs {library.soname}",
            )
        except ImageError as exc:
            survey.problems.tell(file.path, exc)
            continue
        found.setdefault((file.path.parent, file.soname), companion)
    return tuple(found.values())


def _is_linked(file: ElfFile, library: ElfFile, linker: Linker) -> bool:
    """Whether a file gets this library."""
    if library.soname not in file.elf.needed:
        return _is_linked_through(file, library, linker)
    loaded = linker.find(library.soname, file)
    if loaded is None:
        return file.path.parent == library.path.parent
    return loaded.path == library.path or (
        loaded.path.parent == library.path.parent and loaded.node.size == library.node.size
    )


def _is_linked_through(file: ElfFile, library: ElfFile, linker: Linker) -> bool:
    """Whether another companion stands between, as Debian's mpifh between its gfortran copy."""
    between = (linker.find(n, file) for n in file.elf.needed if mpi_parts().companion(n))
    return any(
        part is not None and library.soname in part.elf.needed and _is_linked(part, library, linker)
        for part in between
    )


def _compiler(file: ElfFile) -> str | Unknown:
    for symbol in file.elf.symbols:
        for row in mpi_parts().compilers:
            if re.fullmatch(row.pattern, symbol):
                return row.compiler
    return UNKNOWN


def find_components(
    own: Sequence[ElfFile], survey: Survey
) -> tuple[dict[str, ElfFile], tuple[ElfFile, ...]]:
    """Return Open MPI's components that are told, by name, and the files that hold any."""
    found: dict[str, ElfFile] = {}
    files = [*_component_files(own[0], survey)]
    for file in files:
        if name := _told(file.path.name):
            found.setdefault(name, file)
    for part in own:
        for symbol, is_defined in part.elf.symbols.items():
            if is_defined and symbol.startswith("mca_") and (name := _told(symbol)):
                found.setdefault(name, part)
    stubs = {row.component for row in mpi_parts().stubs if row.beside in found}
    names = sorted(found.keys() - stubs)[:COMPONENTS_MAX]
    return {name: found[name] for name in names}, tuple(files)


def _component_files(library: ElfFile, survey: Survey) -> Iterator[ElfFile]:
    folder = library.path.parent
    for file in survey.elf_files:
        is_component = file.path.name.startswith("mca_") and file.path.is_relative_to(folder)
        if is_component and file.arch == library.arch and "pmix" not in file.path.parent.name:
            yield file


def _told(name: str) -> str | None:
    match = _COMPONENT.fullmatch(name)
    if match is None or match[2].startswith("base_") or not mpi_parts().is_told(match[1], match[2]):
        return None
    return f"{match[1]}/{match[2]}"


def find_gpu_kinds(components: Iterable[str], needed: Iterable[str]) -> tuple[str, ...]:
    """Return the kinds of GPU memory that an MPI library has code for."""
    components, needed = tuple(components), tuple(needed)
    return tuple(
        row.gpu
        for row in mpi_parts().gpu_signs
        if any(re.fullmatch(row.component, name) for name in components)
        or any(re.fullmatch(row.needed, name) for name in needed)
    )


class PmixParts(NamedTuple):
    """Components of a PMIx on which server and client must agree."""

    psec: tuple[str, ...] | Unknown
    gds: tuple[str, ...] | Unknown


def pmix_parts(library: ElfFile, survey: Survey) -> PmixParts:
    """Return the psec and gds components of a PMIx, built in or beside it as files."""
    found: dict[str, set[str]] = {"psec": set(), "gds": set()}
    folder = library.path.parent
    names = [name for name, is_defined in library.elf.symbols.items() if is_defined]
    names += [
        file.path.name
        for file in survey.elf_files
        if file.path.name.startswith("mca_") and file.path.is_relative_to(folder)
    ]
    for name in names:
        if match := _PMIX_PART.fullmatch(name):
            found[match[1]].add(match[2])
    known = {kind: tuple(sorted(parts)) or UNKNOWN for kind, parts in found.items()}
    return PmixParts(known["psec"], known["gds"])
