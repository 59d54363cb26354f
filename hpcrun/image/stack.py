"""The passport of a host's MPI installation: libraries, launchers, closure; runs none of it."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from hpcrun.errors import MissingInputError
from hpcrun.image.closure import Closure, describe, libstdcxx_needed, merge, read_closure
from hpcrun.image.fabric import find_fabrics
from hpcrun.image.folder import FolderNode
from hpcrun.image.libc import glibc_needed
from hpcrun.image.linking import Linker
from hpcrun.image.mpi import find_mpi_libraries
from hpcrun.image.mpi_parts import OWN_PARTS, exported, find_companions
from hpcrun.image.problems import Problems
from hpcrun.image.starters import find_starters
from hpcrun.image.survey import Survey, survey
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
    found = survey([start], Problems())
    linker = Linker(root, first=_library_folders(start))
    libraries = find_mpi_libraries(found, linker)
    by_path = {str(file.path): file for file in found.elf_files}
    closures = {lib.path: read_closure(by_path[lib.path], linker) for lib in libraries}
    facts = StackFacts(
        prefix=prefix.absolute(),
        libraries=tuple(
            _in_full(library, closures[library.path], found, linker, prefix=start.path)
            for library in libraries
        ),
        launchers=tuple(_launchers(start.node)),
        starters=find_starters(found, linker),
    )
    return _with_closure(facts, closures, found, start.path).sealed()


def _in_full(
    library: MpiLibrary, closure: Closure, found: Survey, linker: Linker, *, prefix: PurePosixPath
) -> MpiLibrary:
    """Add what only passports of host stacks tell: the symbols that programs find there."""
    inside = closure.inside(prefix)
    own = [file for file in inside if file is closure.start or OWN_PARTS.match(file.soname)]
    companions = find_companions(closure.start, found, linker, with_exports=True)
    return library.model_copy(
        update={
            "glibc_needed": glibc_needed(inside),
            "companions": companions,
            "exports": exported(own),
        }
    )


def _with_closure(
    facts: StackFacts, closures: dict[str, Closure], found: Survey, prefix: PurePosixPath
) -> StackFacts:
    parts = merge(closures.values())
    files = [part.file for part in parts if part.file is not None]
    places = [part.file.path.parent / part.soname for part in parts if part.file is not None]
    known = {file.path for file in found.elf_files}
    return facts.model_copy(
        update={
            "closure": tuple(describe(part, prefix) for part in parts),
            "closure_missing": tuple(part.soname for part in parts if part.file is None),
            "closure_outside": tuple(
                sorted(str(place) for place in places if not place.is_relative_to(prefix))
            ),
            "fabrics": find_fabrics(found, [file for file in files if file.path not in known]),
            "libstdcxx_needed": libstdcxx_needed(
                [*files, *(closure.start for closure in closures.values())]
            ),
            "is_complete": found.problems.are_harmless,
            "unread": found.problems.lines,
        }
    )


def _library_folders(prefix: Found) -> list[PurePosixPath]:
    names = sorted(name for name in prefix.node.entries() if name.startswith("lib"))
    return [prefix.path / name for name in names]


def _launchers(prefix: Node) -> Iterator[str]:
    folder = prefix.entries().get("bin")
    if folder is not None and folder.kind is Kind.FOLDER:
        yield from (name for name in sorted(folder.entries()) if mpi_families().is_launcher(name))
