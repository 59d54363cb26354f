"""A handler in the machine's own list (binfmt_misc), for kernels without lists of namespaces.

Each sandbox has one entry, named after its folder: two sandboxes never share one, whoever comes
later finds what a killed one has left, and no entry of anybody else is touched. Asked for by root
alone. Does not choose the emulator.

Where the list is not mounted it is so only for the moment and for the box: since Linux 6.7 its
entries end with its last mount, and so with the box; before, they stay until they are removed.
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hpcrun.errors import NotPermittedError, UnavailableError, UsageError
from hpcrun.sandbox import linux

LIST = Path("/proc/sys/fs/binfmt_misc")
_REMOVE = "-1"


def entry_name(folder: Path) -> str:
    """Return the name of a sandbox's entry: the same for every start of the same sandbox."""
    return f"hpcrun-{hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]}"


def check(*, is_needed: bool) -> None:
    """Refuse where this machine's list cannot be changed, before anything is made."""
    if not is_needed:
        raise UsageError(
            "`--register-emulation` is for nodes that emulate, and `--emulation none` wants none",
            help=["leave one of the two out"],
        )
    if os.geteuid() != 0:
        raise NotPermittedError(
            "only root may register an emulator for the whole machine",
            help=[
                "without --register-emulation the sandbox needs no root, on Linux 6.7 or later",
                "or as root: sudo hpcrun sandbox up --register-emulation",
            ],
        )
    reason = _try_apart(_check_list)
    if reason:
        raise UnavailableError(
            f"this machine's list of handlers (binfmt_misc) cannot be changed: {reason}",
            help=["in a container its runtime must allow it", "load the module binfmt_misc"],
        )


def register(handler: str) -> None:
    """Add an entry, and forbid further changes through what this mount namespace shows.

    For a process that is in a mount namespace of its own and is to become the box.
    """
    _mount_list()
    (LIST / "register").write_text(handler)
    linux.bind_read_only(LIST, LIST)


def remove(folder: Path, *, was_registered: bool) -> None:
    """Remove the entry of a sandbox, if there is one."""
    entry = LIST / entry_name(folder)
    if os.geteuid() != 0:
        return
    if entry.exists():
        entry.write_text(_REMOVE)
    elif was_registered:
        _try_apart(lambda: _remove_if_there(entry))


def _remove_if_there(entry: Path) -> None:
    _mount_list()
    with suppress(FileNotFoundError):
        entry.write_text(_REMOVE)


def _check_list() -> None:
    _mount_list()
    if (LIST / "status").read_text().strip() != "enabled":
        raise OSError(0, "it is switched off", str(LIST / "status"))
    os.close(os.open(LIST / "register", os.O_WRONLY))


def _mount_list() -> None:
    """Show the list here if nobody has mounted it; looking makes systemd mount it."""
    if not (LIST / "register").exists():
        linux.mount("binfmt_misc", LIST, kind="binfmt_misc")


def _try_apart(body: Callable[[], None]) -> str | None:
    """Do it in a mount namespace of its own that ends at once; why it failed, if it did."""
    (LIST / "register").exists()  # while systemd's mount would still be everybody's
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            linux.unshare(linux.CLONE_NEWNS)
            linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
            body()
            code = 0
        except OSError as error:
            os.write(writing, f"{error.filename}: {error.strerror}".encode())
        finally:
            os._exit(code)
    os.close(writing)
    said = os.read(reading, 4096)
    os.close(reading)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return said.decode() or "it ended without a word" if code else None
