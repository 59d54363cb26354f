"""The error tree and the exit codes of hpcrun; does not format or print anything.

HpcrunError
├── UsageError            64  the command line is off
├── InputError            65  a file is unreadable or wrong; may carry diagnostics
├── MissingInputError     66  a file that was named is not there
├── UnavailableError      69  Slurm or a needed tool is out of reach; may be tried again
├── RefusedError           1  the plan, or the scheduler, refused the job
├── WriteError            73  something cannot be written
├── WaitTimeoutError      75  the wait, not the job, ran out of time
└── NotPermittedError     77  the machine does not allow it

Anything else that reaches the command line is a bug in hpcrun (70).
Codes follow sysexits.h where it has a fitting one.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What hpcrun itself ends with; a job that was waited for gives its own code."""

    OK = 0
    REFUSED = 1
    USAGE = 64
    INPUT = 65
    NO_INPUT = 66
    UNAVAILABLE = 69
    BUG = 70
    CANNOT_WRITE = 73
    WAIT_TIMEOUT = 75
    GATE = 76
    NOT_PERMITTED = 77


class HpcrunError(Exception):
    """Cannot go on: what happened (message), and what to do about it (help).

    `diagnostics` are `hpcrun.model.diagnostic.Diagnostic` values where single places are to blame;
    they are untyped here because errors are the lowest floor.
    """

    exit_code = ExitCode.BUG

    def __init__(
        self,
        message: str,
        *,
        help: Sequence[str] = (),  # noqa: A002  the word that messages use
        diagnostics: Sequence[Any] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.help = tuple(help)
        self.diagnostics = tuple(diagnostics)


class UsageError(HpcrunError):
    """The command line is off."""

    exit_code = ExitCode.USAGE


class InputError(HpcrunError):
    """A file is unreadable or wrong."""

    exit_code = ExitCode.INPUT


class MissingInputError(HpcrunError):
    """A file that was named is not there."""

    exit_code = ExitCode.NO_INPUT


class UnavailableError(HpcrunError):
    """Slurm or a needed tool is out of reach; trying again may help."""

    exit_code = ExitCode.UNAVAILABLE


class RefusedError(HpcrunError):
    """The plan is refused, or the scheduler refused the job."""

    exit_code = ExitCode.REFUSED


class WriteError(HpcrunError):
    """Something cannot be written."""

    exit_code = ExitCode.CANNOT_WRITE


class WaitTimeoutError(HpcrunError):
    """The wait, not the job, ran out of time."""

    exit_code = ExitCode.WAIT_TIMEOUT


class NotPermittedError(HpcrunError):
    """The machine does not allow it."""

    exit_code = ExitCode.NOT_PERMITTED
