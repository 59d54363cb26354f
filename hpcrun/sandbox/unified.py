"""A control group of version 2 for a sandbox, with all its processes; knows no Slurm.

Root makes it at the top of the tree. An ordinary user has a part of the tree from systemd, which
alone may move processes into it, out of that of the login: so systemd is asked for a scope, that
is a group with processes that it did not start. Either is delegated to root inside: it may do
there what it wants, and nothing above (cgroups(7), systemd.resource-control(5)).
"""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from hpcrun.errors import NotPermittedError, UnavailableError
from hpcrun.sandbox.namespace import IdMaps

CONTROLLER = "memory"
# Where it is given too, Slurm 22.05 sees the other one (inside/node.sh).
_HELPFUL = ("pids",)
# What a delegated group may be used by (/sys/kernel/cgroup/delegate); other files limit it.
_DELEGATED = ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads")
_MOVED_S = 10.0
_ANSWERS_S = 30.0
"""busctl waits 25 s for an answer (busctl(1), --timeout), but for ever to be connected."""
_POLL_S = 0.05
_MANAGER = (
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
)
_AS_ROOT = "sudo hpcrun sandbox up --cgroup; jobs still run as you"


def check(tree: Path, *, is_root: bool, uid: int) -> None:
    """Refuse where the caller could have no group, or one that limits nothing."""
    place = tree if is_root else user_tree(tree, uid)
    if not place.is_dir():
        raise NotPermittedError(
            "`--cgroup` needs root, or a systemd session of yours, and there is none here",
            help=[
                "log in by ssh or at the console, where systemd makes one, or let root make one "
                f"that is always there: sudo loginctl enable-linger {uid}",
                _AS_ROOT,
            ],
        )
    if CONTROLLER not in (place / "cgroup.controllers").read_text().split():
        whose = "this machine" if is_root else "systemd for users' sessions"
        raise UnavailableError(
            f"`--cgroup` needs the controller `{CONTROLLER}`, which {whose} does not have: "
            f"`{place}/cgroup.controllers`",
            help=["leave `--cgroup` out: jobs then run without limits of memory"]
            if is_root
            else [_AS_ROOT],
        )
    if not os.access(place, os.W_OK):
        raise NotPermittedError(
            f"`--cgroup` needs control groups that can be written, and `{place}` cannot",
            help=["in a container its runtime must give control groups that can be written"],
        )


def user_tree(tree: Path, uid: int) -> Path:
    """Return the part of the tree that systemd has given to a user's own manager."""
    return tree / "user.slice" / f"user-{uid}.slice" / f"user@{uid}.service"


def find(tree: Path, name: str, *, is_root: bool, uid: int) -> Iterator[Path]:
    """Find the groups that a sandbox has, or has left."""
    if is_root:
        yield from (group for group in [tree / name] if group.is_dir())
        return
    place = user_tree(tree, uid)
    for pattern in (f"{name}-*.scope", f"*.slice/{name}-*.scope"):
        yield from place.glob(pattern)


def adopt_as_root(tree: Path, name: str, maps: IdMaps, pid: int) -> None:
    """Put a process into a new group, which root inside may divide further."""
    group = tree / name
    try:
        given = (tree / "cgroup.controllers").read_text().split()
        for controller in {CONTROLLER, *_HELPFUL} & set(given):
            (tree / "cgroup.subtree_control").write_text(f"+{controller}")
        group.mkdir()
        for place in (group, *(group / file for file in _DELEGATED)):
            maps.give(place)
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        raise NotPermittedError(
            f"cannot make a control group in `{tree}`: {error.strerror}",
            help=["in a container its runtime must give control groups that can be divided"],
        ) from error


def adopt_as_user(name: str, pid: int) -> None:
    """Let systemd put a process of the caller's into a group of the caller's own."""
    unit = f"{name}-{pid}.scope"
    # Each property is its name, its type and its value (busctl(1)).
    properties = (
        *("PIDs", "au", "1", str(pid)),
        *("Delegate", "b", "true"),
        *("CollectMode", "s", "inactive-or-failed"),
    )
    call = ("StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "fail", "3", *properties, "0")
    argv = ("busctl", "--user", "--quiet", "call", *_MANAGER, *call)
    try:
        done = subprocess.run(
            argv,
            env=_bus_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=_ANSWERS_S,
        )
    except subprocess.TimeoutExpired as error:
        raise _refused(f"it did not answer within {_ANSWERS_S:.0f} s") from error
    except FileNotFoundError as error:
        raise UnavailableError(
            "`--cgroup` needs `busctl` to speak to systemd, not found on PATH",
            help=["it is part of the package systemd", _AS_ROOT],
        ) from error
    if done.returncode != 0:
        raise _refused(done.stderr.strip())
    # systemd answers before it has done it.
    ends = time.monotonic() + _MOVED_S
    while not Path(f"/proc/{pid}/cgroup").read_text().rstrip().endswith(f"/{unit}"):
        if time.monotonic() > ends:
            raise _refused("it did not move the process")
        time.sleep(_POLL_S)


def _refused(why: str) -> NotPermittedError:
    return NotPermittedError(
        f"systemd gives your session no control group for the sandbox: {why}",
        help=["see: systemctl --user status", _AS_ROOT],
    )


def _bus_environment() -> dict[str, str]:
    """Name the caller's own systemd where the login did not, as after `su`."""
    return {"XDG_RUNTIME_DIR": f"/run/user/{os.geteuid()}", **os.environ}


def ends_at_logout(name: str) -> bool:
    """Whether systemd ends the user's processes, and so the sandbox, with the last session."""
    return not Path("/var/lib/systemd/linger", name).exists()
