"""What a file tree tells of an image: asks every reader about it, gathers what cannot be read.

Does not judge anything. Importing it is dear; passport.py does so where nothing is remembered.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from hpcrun.image.command_facts import Gathered, read_command
from hpcrun.image.container import with_tree, with_variables
from hpcrun.image.environment import (
    UNKNOWN_ENVIRONMENT,
    Environment,
    read_environment,
    read_variables,
)
from hpcrun.image.errors import ImageError
from hpcrun.image.fabric import find_fabrics
from hpcrun.image.gpu import read_gpu
from hpcrun.image.libc import read_libc
from hpcrun.image.linking import Linker
from hpcrun.image.mounts import Surroundings
from hpcrun.image.mpi import find_mpi_libraries
from hpcrun.image.opened import OpenedImage, declared_arch
from hpcrun.image.problems import Problems
from hpcrun.image.program import read_program
from hpcrun.image.starters import find_starters
from hpcrun.image.static_mpi import find_static_mpi
from hpcrun.image.survey import Survey, survey
from hpcrun.image.system import read_system
from hpcrun.image.tree import ROOT, Found, Node
from hpcrun.image.users import RUN_TIME, applications, find_mpi_users
from hpcrun.model.base import is_known, known
from hpcrun.model.image import ImageFacts, LibC, MpiLibrary, MpiUser
from hpcrun.model.system import SystemFacts


class Sought(NamedTuple):
    """The job's command, and what the job adds to the image."""

    command: Sequence[str] | None
    around: Surroundings


def read_tree_facts(path: Path, image: OpenedImage, root: Node, sought: Sought) -> ImageFacts:
    """Read the passport of an open image."""
    problems = Problems([image.note] if image.note else [])
    plain = image.outside.describe()
    container = _told(problems, "labels", lambda: with_tree(plain, root), plain)
    found = survey([Found(ROOT, root)], problems)
    archs = found.count_archs()
    arch = max(archs, key=lambda name: (archs[name], name), default=declared_arch(container))
    environment, variables = _read_variables(problems, root, image.environment)
    container = with_variables(container, variables)
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


def _read_variables(
    problems: Problems, root: Node, declared: Mapping[str, str]
) -> tuple[Environment, dict[str, str]]:
    """Read the search paths that an image sets, and its variables for MPI."""
    reading = partial(read_environment, root, declared)
    environment = _told(problems, "environment", reading, UNKNOWN_ENVIRONMENT)
    nothing: dict[str, str] = {}
    variables = partial(read_variables, root, declared, environment)
    return environment, _told(problems, "environment", variables, nothing)


def _read_mpi(
    found: Survey, linker: Linker, is_searchable: bool
) -> tuple[tuple[MpiLibrary, ...], tuple[MpiUser, ...]]:
    """Tell MPI libraries and their users; a program that holds its own MPI is both."""
    static = find_static_mpi(found, linker, applications(found))
    libraries = (*find_mpi_libraries(found, linker), *(each.library for each in static))
    users = find_mpi_users(found, linker if is_searchable else None)
    return libraries, (*users, *(each.user for each in static))


def _follow(
    sought: Sought, root: Node, environment: Environment, users: Sequence[MpiUser], found: Survey
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
