"""Which MPI the job's program needs, and whether the image brings it; does not judge the site."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from hpcrun.compat.evidence import RUN_TIME, STATIC
from hpcrun.model.base import is_known
from hpcrun.model.command import CommandFacts
from hpcrun.model.image import ImageFacts, MpiLibrary, MpiUser, Program
from hpcrun.model.seen import Certainty
from hpcrun.tables import is_interpreter

_LIBRARY_PATH = "LD_LIBRARY_PATH"
_DECISIVE = ("PATH", "LD_PRELOAD", "PYTHONPATH", "PYTHONHOME")
"""Variables by which a job makes a command another one than the image would."""


class MpiNeed(NamedTuple):
    """The MPI side of one image, seen from the job's program."""

    users: tuple[MpiUser, ...]
    """What may load an MPI library in this job.

    The program itself where it does; nothing where it is a program of its own that does not;
    everything in the image that may, where the program runs or loads others, or is not known.
    """
    libraries: tuple[MpiLibrary, ...]
    """Libraries of the image that these users can run on."""
    unmet: tuple[MpiUser, ...]
    """Users that no library of the image serves."""
    is_certain: bool
    """False where parts of the image could not be read, so that absence proves nothing."""

    has_direct_user: bool
    """Whether the users are the job's program itself and not just files beside it."""

    @property
    def choosers(self) -> tuple[MpiUser, ...]:
        """Users that look for their library at run time."""
        return tuple(user for user in self.users if user.needed == RUN_TIME)

    @property
    def is_absent(self) -> bool:
        """Whether nothing here has to do with MPI."""
        return not self.users and not self.libraries


def find_mpi_need(facts: ImageFacts, *, job_env: Mapping[str, str] | None = None) -> MpiNeed:
    """Work out what the job's program needs of MPI.

    `job_env` are the job's own variables: with some of them programs find more, or others.
    """
    env = job_env or {}
    own = _own_users(facts, env)
    if own is not None and not own and facts.is_complete:
        return MpiNeed(users=(), libraries=(), unmet=(), is_certain=True, has_direct_user=False)
    users = own or facts.mpi_users
    usable = tuple(lib for lib in facts.mpi if lib.arch in (facts.arch, "unknown"))
    # Whoever starts a program from a script may set its library path there.
    is_strict = bool(own) and _LIBRARY_PATH not in env
    is_mounted = facts.program is not None and facts.program.host_path is not None
    served = [
        # The folders that a mounted program names may be mounted too.
        libraries_of(
            user,
            usable,
            is_strict=is_strict and not (is_mounted and (user.rpath or user.runpath)),
        )
        for user in users
    ]
    loaded = {lib.path for libraries in served for lib in libraries}
    return MpiNeed(
        users=users,
        libraries=tuple(lib for lib in usable if lib.path in loaded) if users else usable,
        unmet=tuple(user for user, found in zip(users, served, strict=True) if not found),
        is_certain=facts.is_complete,
        has_direct_user=any(user.certainty is not Certainty.HINT for user in own or ()),
    )


def _own_users(facts: ImageFacts, env: Mapping[str, str]) -> tuple[MpiUser, ...] | None:
    """Return what the job's command itself loads MPI with; None where nobody can tell.

    The command counts as it was followed, unless the job sets what it was followed by.
    """
    if facts.command is not None and not any(name in env for name in _DECISIVE):
        if is_known(facts.command.mpi_users):
            return facts.command.mpi_users
        return _built_in_users(facts, facts.command)
    program = facts.program.path if facts.program else None
    own = tuple(user for user in facts.mpi_users if user.path == program)
    return own if own or _stands_alone(facts.program) else None


def _built_in_users(facts: ImageFacts, command: CommandFacts) -> tuple[MpiUser, ...] | None:
    """Return the programs that hold their MPI, where nothing else leaves the command unknown."""
    own = {each.path for each in command.built_in}
    users = tuple(u for u in facts.mpi_users if u.needed == STATIC and u.path in own)
    is_all = len(users) == len(own) == len(command.doubts)
    return users if users and is_all else None


def libraries_of(
    user: MpiUser, libraries: Iterable[MpiLibrary], *, is_strict: bool
) -> tuple[MpiLibrary, ...]:
    """Return the libraries of its image that an MPI user may come to run on.

    That is the one file that the loader finds, as far as the passport tells; a soname may be that
    of several. Without `is_strict` the user may find more than the image itself lets it find.
    """
    if user.needed == RUN_TIME:
        return tuple(lib for lib in libraries if not user.families or lib.family in user.families)
    named = tuple(lib for lib in libraries if lib.soname == user.needed)
    if user.library is None:
        return () if is_strict else named
    if not is_strict or not is_known(user.library):
        return named or _at(user.library, libraries)
    return _at(user.library, libraries) or named


def _at(path: str, libraries: Iterable[MpiLibrary]) -> tuple[MpiLibrary, ...]:
    return tuple(lib for lib in libraries if lib.path == path)


def _stands_alone(program: Program | None) -> bool:
    """Whether a program is known and runs or loads no others, as far as its kind tells."""
    if program is None or program.path is None or program.kind != "elf":
        return False
    return not (is_interpreter(program.argv0) or is_interpreter(program.path))
