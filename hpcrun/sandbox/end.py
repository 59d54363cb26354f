"""End a sandbox and, if asked, remove what it left; starts nothing."""

import os
import select
import signal
import time
from contextlib import suppress

from hpcrun.errors import HpcrunError, WriteError
from hpcrun.sandbox import cache, cgroups, registration
from hpcrun.sandbox.enter import InsideCommand, capture_inside
from hpcrun.sandbox.identity import find_identity
from hpcrun.sandbox.lock import locked
from hpcrun.sandbox.namespace import IdMaps
from hpcrun.sandbox.places import DEFAULT_NAME, Places, places, telling_whose
from hpcrun.sandbox.state import State, read_running, read_state

_GRACE_S = 10.0
# Slurm's KillWait and some.
_JOBS_END_S = 8.0
_POLL_S = 0.2


def down(name: str = DEFAULT_NAME) -> bool:
    """End the sandbox; False when it did not run."""
    where = places(name)
    if not _is_made(where):
        return False
    with locked(where.root), telling_whose(where):
        state = read_running(where)
        if state is not None:
            _cancel_jobs(state)
            end_box(state)
        remove_traces(where)
        where.state_file.unlink(missing_ok=True)
        return state is not None


def _is_made(where: Places) -> bool:
    with telling_whose(where):
        return where.root.is_dir()


def _cancel_jobs(state: State) -> None:
    """Let running jobs end as if they were cancelled, so that they can say so in their folders."""
    ends = time.monotonic() + _JOBS_END_S
    with suppress(HpcrunError):
        if not _has_running_jobs(state):
            return
        # Waiting jobs must not take the places of those that end; the next start opens it again.
        for argv in (
            *(
                ("scontrol", "update", f"partitionname={name}", "state=down")
                for name in state.partitions
            ),
            ("scancel", "--quiet", "--state=RUNNING"),
        ):
            capture_inside(state, InsideCommand(argv, as_root=True))
        while time.monotonic() < ends and _has_running_jobs(state):
            time.sleep(_POLL_S)


def _has_running_jobs(state: State) -> bool:
    argv = ("squeue", "--noheader", "--states=R,CG", "--format=%i")
    code, jobs = capture_inside(state, InsideCommand(argv, as_root=True))
    return code == 0 and bool(jobs)


def end_box(state: State) -> None:
    """End the first process of the box, with which the kernel ends all others."""
    try:
        init = os.pidfd_open(state.init.pid)
    except ProcessLookupError:
        return
    try:
        # Only now is it certain that the number still means the process that was looked at.
        if not state.init.is_alive:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            signal.pidfd_send_signal(init, number)
            ended, _, _ = select.select([init], [], [], _GRACE_S)
            if ended:
                return
    except ProcessLookupError:
        return
    finally:
        os.close(init)


def remove_traces(where: Places) -> None:
    """Remove what the kernel still holds for a sandbox that has ended, however it did."""
    cgroups.remove_groups(where.folder)
    last = read_state(where)
    registration.remove(
        where.folder, was_registered=last is not None and last.options.register_emulation
    )


def purge(name: str = DEFAULT_NAME, *, is_all: bool = False) -> None:
    """End the sandbox and remove its folder; with `is_all` every sandbox and what they share.

    Whatever else lies in the folder of sandboxes stays there.
    """
    where = places(name)
    if not _is_made(where):
        return
    maps = find_identity().maps
    with locked(where.root), telling_whose(where):
        others = [Places(where.root, folder.name) for folder in where.root.iterdir()]
        for each in others if is_all else [where]:
            if each.is_sandbox:
                _remove(each, maps)
        # Whoever removed the folder by hand has left its groups.
        cgroups.remove_groups(where.folder)
        if not is_all and not where.is_free:
            raise WriteError(f"`{where.folder}` is no sandbox, so it stays")
        if is_all:
            cache.empty(where.cache, maps)
        for folder in (where.folder, where.cache, where.root):
            with suppress(OSError):
                folder.rmdir()


def _remove(where: Places, maps: IdMaps) -> None:
    state = read_running(where)
    if state is not None:
        end_box(state)
    remove_traces(where)
    cache.remove_tree(where.folder, maps)
