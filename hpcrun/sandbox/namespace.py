"""Start a process in namespaces of its own, with a user map; does not know what a sandbox is."""

import errno
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, NoReturn

from hpcrun.sandbox import linux

_ROOT = 0
ALIGNMENT = 65536
"""Where the ids of a map begin, as far as it can be chosen."""

Body = Callable[[], None]
Adopt = Callable[[int], None]


class MapError(OSError):
    """The user map of a namespace was refused."""


class IdRange(NamedTuple):
    """One line of a user or group map."""

    inside: int
    outside: int
    length: int


@dataclass(frozen=True)
class IdMaps:
    """Who is who inside; `is_privileged` when this process may write the maps itself."""

    uids: tuple[IdRange, ...]
    gids: tuple[IdRange, ...]
    is_privileged: bool

    def give(self, place: Path) -> None:
        """Let root inside, or who it is there, own a file; an ordinary user's it rules over anyway.

        Who it is there is told by the id alone, also where it is one of another map, or of none.
        """
        if self.is_privileged:
            now = place.lstat()
            owner, group = (
                owner_outside(now.st_uid, self.uids),
                owner_outside(now.st_gid, self.gids),
            )
            os.chown(place, owner, group, follow_symlinks=False)

    def give_tree(self, folder: Path) -> None:
        """Let those inside own a folder and all in it, unless they do.

        The folder itself comes last, so one who is killed on the way has not begun.
        """
        owner = folder.lstat().st_uid
        if not self.is_privileged or owner == owner_outside(owner, self.uids):
            return
        for here, folders, files in os.walk(folder, topdown=False):
            for name in (*files, *folders):
                self.give(Path(here, name))
        self.give(folder)


def owner_outside(number: int, ranges: tuple[IdRange, ...]) -> int:
    """Return who is to own what this id owns: itself if it exists inside.

    Else it is one of the machine's own or of another map; these begin at multiples of 65536.
    """
    if any(ids.outside <= number < ids.outside + ids.length for ids in ranges):
        return number
    inside = number % ALIGNMENT
    for ids in ranges:
        if ids.inside <= inside < ids.inside + ids.length:
            return ids.outside + inside - ids.inside
    return ranges[0].outside


def start(
    maps: IdMaps,
    flags: int,
    body: Body,
    *,
    prepare: Body | None = None,
    adopt: Adopt | None = None,
) -> tuple[int, int]:
    """Run `body` as process 1 (if flags ask for that) and root of new namespaces.

    Answers two process ids: the keeper, a child of this process that waits for `body` and ends
    with its exit status, and `body` itself. Each dies with its parent. `prepare` runs before
    that in the keeper, with the rights of the caller, where these are root's. `adopt` is called
    here with the keeper's id, while that is still a process of the caller's, and before all
    namespaces but the first are made.
    """
    to_keeper_read, to_keeper = os.pipe()
    from_keeper, from_keeper_write = os.pipe()
    keeper = os.fork()
    if keeper == 0:
        os.close(to_keeper)
        os.close(from_keeper)
        before = prepare if maps.is_privileged else None
        _end_with(lambda: _keep(to_keeper_read, from_keeper_write, flags, before, body))
    os.close(to_keeper_read)
    os.close(from_keeper_write)
    try:
        _expect(from_keeper)
        if adopt is not None:
            adopt(keeper)
        write_maps(keeper, maps)
        os.write(to_keeper, b"mapped")
        pid = int(_expect(from_keeper))
    except BaseException:
        stop(keeper)
        raise
    finally:
        os.close(to_keeper)
        os.close(from_keeper)
    return keeper, pid


def run(maps: IdMaps, flags: int, body: Body, *, prepare: Body | None = None) -> int:
    """Run `body` in new namespaces to its end; its exit code."""
    keeper, _ = start(maps, flags, body, prepare=prepare)
    return wait(keeper)


def wait(keeper: int) -> int:
    """Wait until the body has ended; its exit code, 128 + signal where one ended it."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(keeper, 0)[1])
    except BaseException:
        stop(keeper)
        raise


def stop(keeper: int) -> None:
    """End a keeper and with it its body."""
    os.kill(keeper, signal.SIGKILL)
    os.waitpid(keeper, 0)


def write_maps(pid: int, maps: IdMaps) -> None:
    """Give the user namespace of a process its maps."""
    for kind, ranges in (("gid", maps.gids), ("uid", maps.uids)):
        if maps.is_privileged:
            text = "".join(f"{r.inside} {r.outside} {r.length}\n" for r in ranges)
            descriptor = os.open(f"/proc/{pid}/{kind}_map", os.O_WRONLY)
            try:
                os.write(descriptor, text.encode())  # the kernel takes it in one write(2) only
            finally:
                os.close(descriptor)
            continue
        numbers = [str(number) for line in ranges for number in line]
        argv = [f"new{kind}map", str(pid), *numbers]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MapError(done.stderr.strip() or f"{argv[0]} ended with {done.returncode}")


def _expect(descriptor: int) -> str:
    """One message of the keeper, or the OSError that stopped it."""
    text = os.read(descriptor, 4096).decode()
    if not text:
        raise InterruptedError(errno.EINTR, "its process was killed", "new namespaces")
    if text.startswith("error "):
        number, _, about = text.removeprefix("error ").partition(" ")
        code = int(number)
        raise OSError(code, os.strerror(code), about or "new namespaces")
    return text


def _keep(orders: int, answers: int, flags: int, prepare: Body | None, body: Body) -> int:
    """Make the namespaces, start `body` in them, wait for it, in a process of its own."""
    try:
        if prepare is not None:
            prepare()
        linux.unshare(linux.CLONE_NEWUSER, about="user namespace")
        os.write(answers, b"unshared")
        if not os.read(orders, 16):
            return 1
        become_root()
        # Only now: a change of user id would clear it.
        linux.die_with_parent(signal.SIGKILL)
        linux.unshare(flags, about="namespaces inside a user namespace")
        pid = os.fork()
    except OSError as error:
        os.write(answers, f"error {error.errno} {error.filename}".encode())
        return 1
    if pid == 0:
        os.close(orders)
        os.close(answers)
        linux.die_with_parent(signal.SIGKILL)
        _end_with(lambda: _do(body))
    os.write(answers, str(pid).encode())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if code >= 0 else 128 - code


def _do(body: Body) -> int:
    body()
    return 0


def become_root() -> None:
    """Take the root of the user namespace that this process is in."""
    os.setgroups([])
    os.setresgid(_ROOT, _ROOT, _ROOT)
    os.setresuid(_ROOT, _ROOT, _ROOT)


def _end_with(work: Callable[[], int]) -> NoReturn:
    """Do the work of a child and end it there, so that it never runs on as a second parent."""
    code = 1
    try:
        code = work()
    except OSError as error:
        os.write(2, f"hpcrun: {error}\n".encode())
    finally:
        os._exit(code)
