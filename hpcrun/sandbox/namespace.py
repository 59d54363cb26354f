"""Start a process in namespaces of its own, with a user map; does not know what a sandbox is."""

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from hpcrun.sandbox import linux

_ROOT = 0


class IdRange(NamedTuple):
    """One line of a user or group map."""

    inside: int
    outside: int
    count: int


@dataclass(frozen=True)
class IdMaps:
    """Who is who inside; `is_privileged` when this process may write the maps itself."""

    uids: tuple[IdRange, ...]
    gids: tuple[IdRange, ...]
    is_privileged: bool


def start(
    maps: IdMaps,
    flags: int,
    body: Callable[[], NoReturn | None],
    *,
    prepare: Callable[[], None] | None = None,
) -> tuple[int, int]:
    """Run `body` as process 1 (if flags ask for that) and root of new namespaces.

    Answers two process ids: the keeper, a child of this process that waits for `body` and ends
    with its exit status, and `body` itself. Each dies with its parent. `prepare` runs before
    that, with the rights of the caller.
    """
    to_keeper_read, to_keeper = os.pipe()
    from_keeper, from_keeper_write = os.pipe()
    keeper = os.fork()
    if keeper == 0:
        os.close(to_keeper)
        os.close(from_keeper)
        _keep(to_keeper_read, from_keeper_write, flags, prepare, body)
    os.close(to_keeper_read)
    os.close(from_keeper_write)
    try:
        _expect(from_keeper, keeper)
        write_maps(keeper, maps)
        os.write(to_keeper, b"mapped\n")
        pid = int(_expect(from_keeper, keeper))
    except BaseException:
        os.kill(keeper, signal.SIGKILL)
        os.waitpid(keeper, 0)
        raise
    finally:
        os.close(to_keeper)
        os.close(from_keeper)
    return keeper, pid


def run(maps: IdMaps, flags: int, body: Callable[[], NoReturn | None]) -> int:
    """Run `body` in new namespaces to its end; its exit status, negative for a signal."""
    keeper, _ = start(maps, flags, body)
    return os.waitstatus_to_exitcode(os.waitpid(keeper, 0)[1])


def write_maps(pid: int, maps: IdMaps) -> None:
    """Give the user namespace of a process its maps."""
    for kind, ranges in (("gid", maps.gids), ("uid", maps.uids)):
        if maps.is_privileged:
            text = "".join(f"{r.inside} {r.outside} {r.count}\n" for r in ranges)
            with open(f"/proc/{pid}/{kind}_map", "w") as stream:  # noqa: PTH123 - one write(2), no more
                stream.write(text)
        else:
            numbers = [str(number) for line in ranges for number in line]
            done = subprocess.run(
                [f"new{kind}map", str(pid), *numbers], capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                raise PermissionError(f"new{kind}map: {done.stderr.strip()}")


def _expect(descriptor: int, keeper: int) -> str:
    """One message of the keeper, or the OSError that stopped it."""
    text = os.read(descriptor, 4096).decode()
    if text.startswith("error "):
        _, number, about = text.split(" ", 2)
        raise OSError(int(number), os.strerror(int(number)), about)
    if not text:
        raise ChildProcessError(f"process {keeper} ended before its namespaces were ready")
    return text


def _keep(
    orders: int,
    answers: int,
    flags: int,
    prepare: Callable[[], None] | None,
    body: Callable[[], NoReturn | None],
) -> NoReturn:
    """Make the namespaces, start `body` in them, wait for it. Runs in a child; never returns."""
    try:
        if prepare is not None:
            prepare()
        linux.unshare(linux.CLONE_NEWUSER)
        os.write(answers, b"unshared\n")
        if not os.read(orders, 16):
            os._exit(1)
        os.setgroups([])
        os.setresgid(_ROOT, _ROOT, _ROOT)
        os.setresuid(_ROOT, _ROOT, _ROOT)
        # Only now: a change of user id would clear it.
        linux.die_with_parent(signal.SIGKILL)
        linux.unshare(flags)
        pid = os.fork()
    except OSError as error:
        os.write(answers, f"error {error.errno} {error.filename}".encode())
        os._exit(1)
    if pid == 0:
        os.close(orders)
        os.close(answers)
        _become(body)
    os.write(answers, str(pid).encode())
    os.close(orders)
    os.close(answers)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os._exit(code if code >= 0 else 128 - code)


def _become(body: Callable[[], NoReturn | None]) -> NoReturn:
    """Run `body` in this child and end with it, whatever it does."""
    code = 1
    try:
        linux.die_with_parent(signal.SIGKILL)
        body()
        code = 0
    except OSError as error:
        os.write(2, f"{error}\n".encode())
    finally:
        os._exit(code)
