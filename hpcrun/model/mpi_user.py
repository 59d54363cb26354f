"""A program or module that needs an MPI library; does not say whether it gets one that works."""

from enum import StrEnum

from hpcrun.model.api_names import ApiNames
from hpcrun.model.base import UNKNOWN, Unknown, Value
from hpcrun.model.seen import Certainty


class Family(StrEnum):
    """Implementations that one binary can be swapped between (glossary: ABI family)."""

    OPENMPI = "openmpi"
    MPICH = "mpich"
    MPI_ABI = "mpi-abi"


class MpiUser(Value):
    """A program or extension module in the image that needs an MPI library."""

    path: str
    needed: str
    """MPI soname in its DT_NEEDED entries, or `run time` where it chooses late (mpi4py's wheel)."""
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    families: tuple[Family, ...] = ()
    """Families it can run on, where it chooses at run time."""
    library: str | Unknown | None = UNKNOWN
    """Real path of the file that the image's loader finds for it; None where it finds none."""
    symbols: ApiNames | Unknown = UNKNOWN
    """Symbols of the MPI interface that it, or a library it comes to load, cannot do without."""
    companions: tuple[str, ...] = ()
    """Sonames of MPI's Fortran and C++ libraries that it comes to need."""
    rule: str = ""
    """By which rule that file is found, where a command was followed to it."""
    certainty: Certainty = Certainty.SURE
    """How sure it is that a job that comes across it loads MPI with it."""

    @property
    def is_found_by_rpath(self) -> bool:
        """Whether a DT_RPATH leads to the library, which counts before LD_LIBRARY_PATH."""
        return self.rule.startswith("RPATH ")
