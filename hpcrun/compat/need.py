"""Which MPI the job's program needs, and whether the image brings it; does not judge the site."""

from hpcrun.compat.evidence import RUN_TIME
from hpcrun.model.base import Value
from hpcrun.model.image import ImageFacts, MpiLibrary, MpiUser, Program
from hpcrun.tables import is_interpreter


class MpiNeed(Value):
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


def find_mpi_need(facts: ImageFacts) -> MpiNeed:
    """Work out what the job's program needs of MPI."""
    usable = tuple(lib for lib in facts.mpi if lib.arch in (facts.arch, "unknown"))
    program = facts.program.path if facts.program else None
    own = tuple(user for user in facts.mpi_users if user.path == program)
    users = own or (() if _stands_alone(facts.program) else facts.mpi_users)
    met = {user.path for user in users if any(serves(lib, user) for lib in usable)}
    libraries = tuple(lib for lib in usable if any(serves(lib, user) for user in users))
    return MpiNeed(
        users=users,
        libraries=libraries if users else usable,
        unmet=tuple(user for user in users if user.path not in met),
        is_certain=facts.is_complete,
        has_direct_user=bool(own),
    )


def _stands_alone(program: Program | None) -> bool:
    """Whether a program is known and runs or loads no others, as far as its kind tells."""
    if program is None or program.path is None or program.kind != "elf":
        return False
    return not (is_interpreter(program.argv0) or is_interpreter(program.path))


def serves(library: MpiLibrary, user: MpiUser) -> bool:
    """Whether an MPI user can run on a library by name, or by family where it chooses late."""
    if user.needed == RUN_TIME:
        return not user.families or library.family in user.families
    return library.soname == user.needed
