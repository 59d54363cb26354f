"""An image's passport: asks every reader about its tree, gathers what could not be read.

Does not judge anything and never runs the image; open_image.py opens it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from hpcrun.image.command_facts import Gathered, read_command
from hpcrun.image.container import with_tree
from hpcrun.image.environment import UNKNOWN_ENVIRONMENT, Environment, read_environment
from hpcrun.image.errors import ImageError
from hpcrun.image.fabric import find_fabrics
from hpcrun.image.gpu import read_gpu
from hpcrun.image.libc import read_libc
from hpcrun.image.linking import Linker
from hpcrun.image.mounts import Surroundings
from hpcrun.image.mpi import find_mpi_libraries
from hpcrun.image.open_image import open_image
from hpcrun.image.opened import OpenedImage, declared_arch
from hpcrun.image.problems import Problems
from hpcrun.image.program import read_program
from hpcrun.image.recall import keep_passport, passport_key, recall_passport
from hpcrun.image.starters import find_starters
from hpcrun.image.static_mpi import find_static_mpi
from hpcrun.image.survey import Survey, survey
from hpcrun.image.system import read_system
from hpcrun.image.tree import ROOT, Found, Node
from hpcrun.image.users import RUN_TIME, applications, find_mpi_users
from hpcrun.model.base import is_known, known
from hpcrun.model.image import ImageFacts, LibC, MpiLibrary, MpiUser, Program
from hpcrun.model.memory import Memory
from hpcrun.model.system import SystemFacts


class _Sought(NamedTuple):
    """The job's command, and what the job adds to the image."""

    command: Sequence[str] | None
    around: Surroundings


def read_image(  # noqa: PLR0913  each tells one thing about the same reading
    path: Path,
    *,
    command: Sequence[str] | None = None,
    around: Surroundings | None = None,
    arch: str | None = None,
    full_digest: bool = False,
    memory: Memory | None = None,
) -> ImageFacts:
    """Read the passport of an image of any kind.

    Args:
        command: the job's command; it is followed inside the image.
        around: what the job mounts into the container, and where it starts.
        arch: which variant of a multi-architecture image, as `uname -m` says.
        full_digest: hash the whole file (0.6 s per 300 MB) and not just what tells it from others.
        memory: where facts read earlier are, and these may be kept.
    """
    sought = _Sought(command, around or Surroundings())
    with open_image(path, arch=arch, full_digest=full_digest, memory=memory) as image:
        key = passport_key(image, *sought) if memory is not None else None
        if memory is None or key is None:
            return _read_opened(path, image, sought)
        facts = recall_passport(memory, key, path, image)
        if facts is None:
            facts = _read_opened(path, image, sought)
            if facts.is_complete:
                # What was missing may be there next time: a decoder, room for a temporary file.
                keep_passport(memory, key, facts)
        return facts


def _read_opened(path: Path, opened: OpenedImage, sought: _Sought) -> ImageFacts:
    image = _with_readable_root(opened)
    if image.root is None:
        return _unread(path, image, sought.command)
    return _read_tree(path, image, image.root, sought)


def _with_readable_root(image: OpenedImage) -> OpenedImage:
    """Look into the root once: where that fails nothing inside can be told."""
    try:
        if image.root is not None:
            image.root.entries()
    except ImageError as exc:
        return image._replace(root=None, unread="; ".join((exc.message, *exc.help)))
    return image


def _unread(path: Path, image: OpenedImage, command: Sequence[str] | None) -> ImageFacts:
    container = image.outside.describe()
    return ImageFacts.model_validate(
        {
            "path": path.absolute(),
            **image.outside.facts,
            "container": container,
            "declared_arch": declared_arch(container),
            "program": Program(argv0=command[0], path=None) if command else None,
            "is_complete": False,
            "unread": (image.unread,),
        }
    )


def _read_tree(path: Path, image: OpenedImage, root: Node, sought: _Sought) -> ImageFacts:
    problems = Problems([image.note] if image.note else [])
    plain = image.outside.describe()
    container = _told(problems, "labels", lambda: with_tree(plain, root), plain)
    found = survey([Found(ROOT, root)], problems)
    archs = found.count_archs()
    arch = max(archs, key=lambda name: (archs[name], name), default=declared_arch(container))
    reading = partial(read_environment, root, image.environment)
    environment = _told(problems, "environment", reading, UNKNOWN_ENVIRONMENT)
    library_path = known(environment.library_path) or ""
    linker = Linker(root, library_path=library_path.split(":") if library_path else ())
    libc = _told(problems, "C library", lambda: read_libc(found.elf_files, arch), LibC())
    names = partial(linker.default_names, arch)
    sonames: tuple[str, ...] = _told(problems, "library folders", names, ())
    libraries, users = _read_mpi(found, linker, _is_searchable(environment, libc))
    followed = _follow(sought, root, environment, users, found)
    executed = (*followed.executed, *followed.files) if followed else ()
    system = partial(read_system, root, found, arch, environment, executed)
    return ImageFacts.model_validate(
        {
            "path": path.absolute(),
            **image.outside.facts,
            "declared_arch": declared_arch(container),
            "container": container,
            "program_archs": archs,
            "libc": libc,
            "system": _told(problems, "system", system, SystemFacts()),
            "mpi": libraries,
            "mpi_users": users,
            "sonames": sonames,
            "fabrics": find_fabrics(found),
            "starters": find_starters(found, linker),
            "gpu": read_gpu(found, root, image.environment, applications(found)),
            "program": read_program(followed, sought.command, sought.around),
            "command": followed.facts if followed else None,
            "is_complete": problems.are_harmless,
            "unread": problems.lines,
        }
    )


def _read_mpi(
    found: Survey, linker: Linker, is_searchable: bool
) -> tuple[tuple[MpiLibrary, ...], tuple[MpiUser, ...]]:
    """Tell MPI libraries and their users; a program that holds its own MPI is both."""
    static = find_static_mpi(found, linker, applications(found))
    libraries = (*find_mpi_libraries(found, linker), *(each.library for each in static))
    users = find_mpi_users(found, linker if is_searchable else None)
    return libraries, (*users, *(each.user for each in static))


def _follow(
    sought: _Sought, root: Node, environment: Environment, users: Sequence[MpiUser], found: Survey
) -> Gathered | None:
    """Follow the job's command, where there is one."""
    if not sought.command:
        return None
    command = sought.command
    choosers = [user for user in users if user.needed == RUN_TIME]
    reading = partial(
        read_command, root, command, environment, around=sought.around, choosers=choosers
    )
    return _told(found.problems, command[0], reading, None)


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
