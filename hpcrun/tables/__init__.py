"""Facts of the outside world as checked, typed rows with their sources; does not decide.

Each table is read when it is first asked for.
"""

from hpcrun.tables.architectures import Architecture, architectures
from hpcrun.tables.emulators import emulation_clash, emulator
from hpcrun.tables.interpreters import is_interpreter
from hpcrun.tables.mpi_abi import mpi_abi
from hpcrun.tables.mpi_settings import mpi_settings
from hpcrun.tables.pmi import pmi, pmix
from hpcrun.tables.rules import rules

__all__ = [
    "Architecture",
    "architectures",
    "emulation_clash",
    "emulator",
    "is_interpreter",
    "mpi_abi",
    "mpi_settings",
    "pmi",
    "pmix",
    "rules",
]
