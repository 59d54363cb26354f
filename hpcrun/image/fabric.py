"""Network libraries in a tree, and which of them an MPI library uses; does not judge them."""

import re
from collections.abc import Iterable, Iterator, Sequence

from hpcrun.image.errors import ImageError
from hpcrun.image.linking import Linker
from hpcrun.image.survey import ElfFile, Survey
from hpcrun.model.base import UNKNOWN, Unknown
from hpcrun.model.fabric import FabricLibrary, FabricUse
from hpcrun.model.seen import Certainty
from hpcrun.tables.fabrics import FabricRow, fabrics
from hpcrun.tables.versions import version_key

LIBRARIES_MAX = 64
PARTS_MAX = 48
_OWN_FOLDERS = (".", "libfabric", "../libfabric/lib", "../opt/mpi/libfabric/lib")
"""Where Intel MPI keeps its libfabric: wheels 2021.15, 2021.10 (measured), oneAPI's packages."""
_LOADED = re.compile(rb"(?:^|\0)(lib[a-z0-9_]+\.so(?:\.[0-9]+)?)(?=\0)")


def find_fabrics(survey: Survey, extra: Iterable[ElfFile] = ()) -> tuple[FabricLibrary, ...]:
    """Describe every network library of the tree, copies of one library once."""
    by_content: dict[tuple[object, ...], tuple[ElfFile, FabricRow]] = {}
    for file in (*survey.elf_files, *extra):
        row = fabrics().library(file.path.name)
        if row is None:
            continue
        try:
            key = (file.path.parent, file.soname, file.arch)
        except ImageError as exc:
            survey.problems.tell(file.path, exc)
            continue
        known = by_content.get(key)
        if known is None or len(file.path.name) > len(known[0].path.name):
            by_content[key] = (file, row)
    found = []
    for file, row in [*by_content.values()][:LIBRARIES_MAX]:
        try:
            found.append(_describe(file, row, survey))
        except ImageError as exc:
            survey.problems.tell(file.path, exc)
    return tuple(found)


def _describe(file: ElfFile, row: FabricRow, survey: Survey) -> FabricLibrary:
    defined = file.elf.versions_defined
    is_scanned = bool(row.versions) or any(b.library == row.id for b in fabrics().built_in)
    constants = file.elf.read_only_data() if is_scanned else b""
    version, evidence = _version(file, row, constants)
    return FabricLibrary(
        kind=row.id,
        path=str(file.path),
        soname=file.soname,
        arch=file.arch,
        version=version,
        interface=_highest(row.interface, defined),
        private=_highest(row.private, defined),
        built_in=tuple(_built_in(row, constants)),
        parts=_parts(file, row, survey),
        foreign_parts=tuple(_foreign_parts(file, row, survey))[:PARTS_MAX],
        evidence=evidence,
        certainty=Certainty.SURE if version != UNKNOWN else Certainty.LIKELY,
    )


def _version(file: ElfFile, row: FabricRow, constants: bytes) -> tuple[str | Unknown, str]:
    if row.file_version and (match := re.fullmatch(row.file_version, file.path.name)):
        return match.group(1), f"file name {file.path}"
    for pattern in row.versions:
        found = {match.decode() for match in re.findall(pattern.encode(), constants)}
        if len(found) == 1:
            number = found.pop()
            return number, f"constant `{number}` in {file.path}"
    return UNKNOWN, f"file name {file.path}"


def _highest(pattern: str | None, versions: Iterable[str]) -> str | None:
    found = [name for name in versions if pattern and re.fullmatch(pattern, name)]
    return max(found, key=lambda name: version_key(name.rpartition("_")[2]), default=None)


def _built_in(row: FabricRow, constants: bytes) -> Iterator[str]:
    for part in fabrics().built_in:
        pattern = rb"\0" + part.pattern.encode() + rb"\0"
        if part.library == row.id and re.search(pattern, constants):
            yield part.name


def _parts(file: ElfFile, row: FabricRow, survey: Survey) -> tuple[str, ...]:
    """Return providers or transports in the library's folder and below it."""
    if row.parts is None:
        return ()
    folder = file.path.parent
    names = {
        match.group(1)
        for other in survey.elf_files
        if (match := re.fullmatch(row.parts, other.path.name))
        and other.path.is_relative_to(folder)
        and other.arch == file.arch
    }
    return tuple(sorted(names))[:PARTS_MAX]


def _foreign_parts(file: ElfFile, row: FabricRow, survey: Survey) -> Iterator[str]:
    """Yield drivers beside a library that need other private symbols of it than it has.

    The loader refuses them, and the library goes on without.
    """
    own = _highest(row.private, file.elf.versions_defined)
    if own is None:
        return
    folder = file.path.parent
    drivers = tuple(f"lib{library}" for library in fabrics().driver_libraries)
    for other in survey.elf_files:
        name = other.path.name
        if not (name.startswith(drivers) or (row.parts and re.fullmatch(row.parts, name))):
            continue
        if other.arch != file.arch or not other.path.is_relative_to(folder):
            continue
        try:
            needed = _highest(row.private, other.elf.versions_needed.get(file.soname, ()))
        except ImageError as exc:
            survey.problems.tell(other.path, exc)
            continue
        if needed is not None and needed != own:
            yield f"{name} needs {needed}"


def find_fabric_uses(
    own: Sequence[ElfFile], components: Iterable[ElfFile], constants: bytes, linker: Linker
) -> tuple[FabricUse, ...]:
    """Tell which network libraries an MPI library is linked to or would open."""
    found: dict[str, FabricUse] = {}
    for part in own:
        for use in _linked(part, "linked", linker):
            found.setdefault(use.kind, use)
    for part in components:
        for use in _linked(part, "component", linker):
            found.setdefault(use.kind, use)
    for use in _loaded(own[0], constants, linker):
        found.setdefault(use.kind, use)
    return tuple(found.values())


def _linked(part: ElfFile, how: str, linker: Linker) -> Iterator[FabricUse]:
    for soname in part.elf.needed:
        row = fabrics().library(soname)
        if row is None:
            continue
        library = linker.find(soname, part)
        needed = _highest(row.interface, part.elf.versions_needed.get(soname, ()))
        yield FabricUse.model_validate(
            {
                "kind": row.id,
                "how": how,
                "path": str(library.path) if library else None,
                "interface_needed": needed,
                "evidence": f"{part.path} needs {soname}",
            }
        )


def _loaded(file: ElfFile, constants: bytes, linker: Linker) -> Iterator[FabricUse]:
    """Yield libraries whose file names are constants: opened at run time, if at all."""
    for raw in _LOADED.findall(constants):
        name = raw.decode()
        row = fabrics().library(name)
        if row is not None:
            library = linker.find(name, file)
            yield FabricUse(
                kind=row.id,
                how="loaded",
                path=str(library.path) if library else _own(file, name, linker),
                evidence=f"constant `{name}` in {file.path}",
                certainty=Certainty.LIKELY,
            )


def _own(file: ElfFile, name: str, linker: Linker) -> str | None:
    """Return the copy that came with an MPI library, which it may look for by itself."""
    for folder in _OWN_FOLDERS:
        path = linker.real_path(file.path.parent / folder / name)
        if path is not None:
            return str(path)
    return None
