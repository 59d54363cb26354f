"""Run a command inside a running sandbox, on one of its nodes; starts and ends no sandbox.

This is on the way of every action at the site, so it imports little.
"""

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from hpcrun.errors import NotPermittedError, UnavailableError, UsageError
from hpcrun.sandbox import linux
from hpcrun.sandbox.cluster_files import LOGIN, login_environment
from hpcrun.sandbox.namespace import become_root
from hpcrun.sandbox.places import Places
from hpcrun.sandbox.state import State, read_running

BOX = ""
"""In the place of a node's name: in the box, outside all nodes."""
_CANNOT_RUN, _NOT_FOUND = 126, 127  # as a shell does
_MOST_DESCRIPTORS = 1 << 20
_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_KINDS = (
    ("net", linux.CLONE_NEWNET),
    ("mnt", linux.CLONE_NEWNS),
    ("uts", linux.CLONE_NEWUTS),
    ("ipc", linux.CLONE_NEWIPC),
    ("pid", linux.CLONE_NEWPID),
)


@dataclass(frozen=True)
class Here:
    """A folder of this machine, by its names and by what tells it from another of that name."""

    names: tuple[str, ...]
    seen: os.stat_result


@dataclass(frozen=True)
class InsideCommand:
    """A command, where it runs and as whom."""

    argv: tuple[str, ...]
    node: str = LOGIN
    as_root: bool = False
    here: Here | None = None
    """Where to run, if the same folder is seen inside; else in the home folder."""
    environment: Mapping[str, str] | None = None
    """On top of that of a fresh login."""


def find_running(places: Places) -> State:
    """Return the sandbox, which must run."""
    state = read_running(places)
    if state is None:
        raise UnavailableError(
            f"sandbox `{places.name}` is not running",
            help=[f"start it: hpcrun sandbox up --name {places.name}"],
        )
    return state


def run_inside(state: State, command: InsideCommand) -> int:
    """Run a command and return its exit code, 128 + signal where one ended it.

    This process itself enters the namespaces and cannot come back, so it is for processes that
    have nothing else to do; others use `capture_inside`.
    """
    if command.node not in (BOX, LOGIN, *state.nodes):
        known = ", ".join((LOGIN, *state.nodes))
        raise UsageError(f"no node is named `{command.node}`", help=[f"there are: {known}"])
    environment = {**login_environment(state.name, state.user), **(command.environment or {})}
    _enter(state, command.node)
    child = os.fork()
    if child == 0:
        _become(state, command, environment)
    return _wait(child)


def capture_inside(state: State, command: InsideCommand) -> tuple[int, str]:
    """Run a command in the background of this process; its exit code and all that it printed."""
    reading, writing = os.pipe()
    helper = os.fork()
    if helper == 0:
        code = 70
        try:
            silence = os.open(os.devnull, os.O_RDONLY)
            os.dup2(silence, 0)
            os.dup2(writing, 1)
            os.dup2(writing, 2)
            code = run_inside(state, command)
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", errors="replace") as stream:
        text = stream.read()
    return os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1]), text


def _enter(state: State, node: str) -> None:
    """Enter the box, whose root then shows the namespaces of its nodes, and then the node's."""
    try:
        init = os.pidfd_open(state.init.pid)
        # Only now is it certain that the number still means the process that was looked at.
        if not state.init.is_alive:
            raise ProcessLookupError
        linux.set_namespace(init, linux.CLONE_NEWUSER | linux.CLONE_NEWNS)
        if node == BOX:
            linux.set_namespace(init, sum(flag for kind, flag in _KINDS if kind != "mnt"))
            os.close(init)
            return
        # Here /proc is the box's, and the numbers in it are the box's.
        node_init = int(Path("/run/box/nodes", node).read_text())
        files = [os.open(f"/proc/{node_init}/ns/{kind}", os.O_RDONLY) for kind, _ in _KINDS]
        for descriptor, (_, flag) in zip(files, _KINDS, strict=True):
            linux.set_namespace(descriptor, flag)
            os.close(descriptor)
        os.close(init)
    except PermissionError as error:
        raise NotPermittedError(
            f"cannot enter sandbox `{state.name}`: it runs as another user",
            help=["HPCRUN_SANDBOX_DIR names another folder, for sandboxes of your own"],
        ) from error
    except (OSError, ValueError) as error:
        raise UnavailableError(
            f"cannot enter node `{node}` of sandbox `{state.name}`: it is not up",
            help=[f"see `hpcrun sandbox status --name {state.name}` and `hpcrun sandbox logs`"],
        ) from error


def _become(state: State, command: InsideCommand, environment: dict[str, str]) -> NoReturn:
    """Turn this child into the command."""
    uid, gid = (0, 0) if command.as_root else (state.uid, state.gid)
    code = _CANNOT_RUN
    try:
        # Whatever the caller's shell has open, root's files perhaps, is not for the job's user.
        os.closerange(3, _MOST_DESCRIPTORS)
        # By way of root, so that no right of the user namespace's owner survives.
        become_root()
        linux.forbid_typing()
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        linux.die_with_parent(signal.SIGHUP)
        home = "/root" if command.as_root else environment["HOME"]
        environment["HOME"] = home
        _change_folder(command.here, home)
        os.umask(0o022)
        for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGQUIT, *_FORWARDED):
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(command.argv[0], command.argv, environment)  # noqa: S606
    except OSError as error:
        code = _NOT_FOUND if isinstance(error, FileNotFoundError) else _CANNOT_RUN
        os.write(2, f"hpcrun: cannot run `{command.argv[0]}`: {error.strerror}\n".encode())
    finally:
        os._exit(code)


def _change_folder(here: Here | None, home: str) -> None:
    """Go where the caller is; a folder above a shared one may be there too, but is another."""
    if here is not None:
        for name in here.names:
            with suppress(OSError):
                os.chdir(name)
                if os.path.samestat(os.stat("."), here.seen):  # noqa: PTH116
                    return
    try:
        os.chdir(home)
    except OSError:
        os.chdir("/")


def _wait(child: int) -> int:
    """Wait for the command; signals to this process go to it."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        # The terminal sends these to the command as well.
        signal.signal(number, signal.SIG_IGN)
    for number in _FORWARDED:
        signal.signal(number, lambda received, _frame: os.kill(child, received))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def find_here() -> Here | None:
    """Return the folder that this process is in: as the user sees it, and without links."""
    try:
        name, found = os.getcwd(), os.stat(".")  # noqa: PTH109, PTH116 - names, as they are
    except OSError:
        return None
    told = os.environ.get("PWD", name)
    with suppress(OSError):
        if os.path.isabs(told) and os.path.samestat(os.stat(told), found):  # noqa: PTH116, PTH117
            return Here((told, name), found)
    return Here((name,), found)


def leave(code: int) -> NoReturn:
    """End this process from where it has gone, where Python can no longer load anything."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
