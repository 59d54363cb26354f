"""One process at a time changes the sandboxes of a state folder; needs no file of its own."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hpcrun.errors import WriteError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of the folder itself, which is made if it is not there.

    The kernel lets go of it however this process ends. The state folder is local, so flock(2) is
    right here, though it would not be on the file systems that runs live on.
    """
    while True:
        descriptor = _open(folder)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_still(folder, descriptor):
                yield
                return
        finally:
            os.close(descriptor)


def _open(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise WriteError(
            f"cannot use the folder of sandboxes `{folder}`: {error.strerror}",
            help=["HPCRUN_SANDBOX_DIR names another one"],
        ) from error


def _is_still(folder: Path, descriptor: int) -> bool:
    """Whether the folder was not removed while this process waited."""
    try:
        return os.path.samestat(folder.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
