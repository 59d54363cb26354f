"""An image's passport: asks every reader about its tree, gathers what could not be read.

Does not judge anything and never runs the image; open_image.py opens it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from hpcrun.image.container import with_tree
from hpcrun.image.environment import Environment, read_environment
from hpcrun.image.errors import ImageError
from hpcrun.image.fabric import find_fabrics
from hpcrun.image.libc import read_libc
from hpcrun.image.linking import Linker
from hpcrun.image.mpi import find_mpi_libraries
from hpcrun.image.open_image import OpenedImage, Outside, declared_arch, open_image
from hpcrun.image.problems import Problems
from hpcrun.image.program import MountedProgram, read_mounted, read_program
from hpcrun.image.starters import find_starters
from hpcrun.image.survey import Survey, survey
from hpcrun.image.tree import ROOT, Found, Node
from hpcrun.image.users import find_mpi_users
from hpcrun.model.base import UNKNOWN, is_known, known
from hpcrun.model.image import ImageFacts, LibC, Program


class _Sought(NamedTuple):
    """The job's command, and its program where that lies on the host."""

    command: Sequence[str] | None
    mounted: MountedProgram | None


def read_image(
    path: Path,
    *,
    command: Sequence[str] | None = None,
    mounted: MountedProgram | None = None,
    full_digest: bool = False,
) -> ImageFacts:
    """Read the passport of a SIF or an unpacked image.

    Args:
        command: the job's command; its program is looked up in the image.
        mounted: the command's program, where it is not in the image but on the host.
        full_digest: hash the whole file (0.6 s per 300 MB) and not just header and descriptors.
    """
    sought = _Sought(command, mounted)
    with open_image(path, full_digest=full_digest) as image:
        if image.root is None:
            return _unread(path, image, sought.command)
        return _read_tree(path, image.outside, image.root, sought)


def _unread(path: Path, image: OpenedImage, command: Sequence[str] | None) -> ImageFacts:
    return ImageFacts.model_validate(
        {
            "path": path.absolute(),
            **image.outside._asdict(),
            "declared_arch": declared_arch(image.outside.container),
            "program": Program(argv0=command[0], path=None) if command else None,
            "is_complete": False,
            "unread": (image.unread,),
        }
    )


def _read_tree(path: Path, outside: Outside, root: Node, sought: _Sought) -> ImageFacts:
    problems = Problems()
    plain = outside.container
    container = _told(problems, "labels", lambda: with_tree(plain, root), plain)
    found = survey([Found(ROOT, root)], problems)
    archs = found.count_archs()
    arch = max(archs, key=lambda name: (archs[name], name), default=declared_arch(container))
    unknown = Environment(UNKNOWN, UNKNOWN)
    environment = _told(problems, "environment", lambda: read_environment(root), unknown)
    library_path = known(environment.library_path) or ""
    linker = Linker(root, library_path=library_path.split(":") if library_path else ())
    program = _find_program(sought, root, environment, found)
    libc = _told(problems, "C library", lambda: read_libc(found.elf_files, arch), LibC())
    no_names: tuple[str, ...] = ()
    names = partial(linker.default_names, arch)
    sonames = _told(problems, "library folders", names, no_names)
    return ImageFacts.model_validate(
        {
            "path": path.absolute(),
            **outside._asdict(),
            "declared_arch": declared_arch(container),
            "container": container,
            "program_archs": archs,
            "libc": libc,
            "mpi": find_mpi_libraries(found, linker),
            "mpi_users": find_mpi_users(
                found, linker if _is_searchable(environment, libc) else None
            ),
            "sonames": sonames,
            "program": program,
            "fabrics": find_fabrics(found),
            "starters": find_starters(found, linker),
            "is_complete": problems.are_harmless,
            "unread": problems.lines,
        }
    )


def _find_program(
    sought: _Sought, root: Node, environment: Environment, found: Survey
) -> Program | None:
    """Look the job's program up; one that a mount brings joins the files that may need MPI."""
    if not sought.command:
        return None
    argv0 = sought.command[0]
    lost = Program(argv0=argv0, path=None)
    if sought.mounted is None:
        reading = partial(read_program, root, sought.command, environment)
        return _told(found.problems, argv0, reading, lost)
    elf = _told(found.problems, argv0, partial(read_mounted, sought.mounted), None)
    if elf is None:
        return lost.model_copy(update={"kind": "missing"})
    found.elf_files.append(elf)
    return Program(
        argv0=argv0,
        path=str(elf.path),
        arch=elf.arch,
        kind="elf",
        host_path=sought.mounted.file,
    )


def _is_searchable(environment: Environment, libc: LibC) -> bool:
    """Whether the loader's search path is known: of glibc, with nothing added by the image."""
    return libc.kind == "glibc" and is_known(environment.library_path)


T = TypeVar("T")


def _told(problems: Problems, what: str, read: Callable[[], T], otherwise: T) -> T:
    """Turn a damaged part into a line of `unread`, so that the rest is still told."""
    try:
        return read()
    except ImageError as exc:
        problems.add(f"{what}: {exc.message}")
        return otherwise
