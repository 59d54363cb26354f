"""The passport of a host's MPI installation: libraries, launchers, closure; runs none of it."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from hpcrun.errors import MissingInputError
from hpcrun.image.folder import FolderNode
from hpcrun.image.libc import glibc_needed
from hpcrun.image.linking import Linker
from hpcrun.image.mpi import find_mpi_libraries
from hpcrun.image.problems import Problems
from hpcrun.image.survey import ElfFile, Survey, survey
from hpcrun.image.tree import Found, Kind, Node, resolve
from hpcrun.model.image import MpiLibrary, StackFacts
from hpcrun.tables.mpi_families import mpi_families


def read_stack(prefix: Path) -> StackFacts:
    """Read the passport of one MPI prefix of this host; it may hold no MPI at all."""
    if not prefix.is_dir():
        raise MissingInputError(f"no folder at `{prefix}`", help=["name the prefix of an MPI"])
    root = FolderNode(Path("/"))
    start = resolve(root, PurePosixPath(prefix.resolve()))
    if start is None:
        raise MissingInputError(f"cannot reach `{prefix}`")
    problems = Problems()
    found = survey([start], problems)
    linker = Linker(root, first=_library_folders(start))
    libraries = find_mpi_libraries(found, linker)
    inside, outside, missing = _closure(found, libraries, linker, start.path)
    return StackFacts(
        prefix=prefix.absolute(),
        libraries=tuple(
            library.model_copy(update={"glibc_needed": glibc_needed(inside[library.path])})
            for library in libraries
        ),
        launchers=tuple(_launchers(start.node)),
        closure_missing=tuple(sorted(missing)),
        closure_outside=tuple(sorted(outside)),
        is_complete=problems.are_harmless,
        unread=problems.lines,
    )


def _library_folders(prefix: Found) -> list[PurePosixPath]:
    names = sorted(name for name in prefix.node.entries() if name.startswith("lib"))
    return [prefix.path / name for name in names]


def _closure(
    found: Survey, libraries: tuple[MpiLibrary, ...], linker: Linker, prefix: PurePosixPath
) -> tuple[dict[str, list[ElfFile]], set[str], set[str]]:
    """Sort what the MPI libraries need into inside the prefix (by library), outside, not found."""
    by_path = {str(file.path): file for file in found.elf_files}
    inside: dict[str, list[ElfFile]] = {}
    outside: set[str] = set()
    missing: set[str] = set()
    for library in libraries:
        start = by_path[library.path]
        inside[library.path] = [start]
        for soname, file in linker.closure(start):
            if file is None:
                missing.add(soname)
            elif file.path.is_relative_to(prefix):
                inside[library.path].append(file)
            else:
                outside.add(str(file.path.parent / soname))
    return inside, outside, missing


def _launchers(prefix: Node) -> Iterator[str]:
    folder = prefix.entries().get("bin")
    if folder is not None and folder.kind is Kind.FOLDER:
        yield from (name for name in sorted(folder.entries()) if mpi_families().is_launcher(name))
