"""Control groups that a sandbox gets from this machine, and that go with it; knows no Slurm.

Each hierarchy that limits something gets one group per sandbox, named after it, and in it one per
node, which the node sees as the root of its own hierarchy. See cgroups(7).
"""

import hashlib
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hpcrun.errors import NotPermittedError, UnavailableError, WriteError
from hpcrun.sandbox.identity import Identity
from hpcrun.sandbox.namespace import IdMaps, IdRange

# What Slurm limits jobs by, and what it finds all processes of a job by.
_NEEDED = ("memory", "freezer")
_ROOT_IS_ROOT = (
    "with `--cgroup` root inside is this machine's root and could change its settings (/proc/sys): "
    "run nothing as root inside that you would not run as root here"
)
_EMPTY_S = 10.0
_POLL_S = 0.1


@dataclass(frozen=True)
class Hierarchies:
    """Where this machine has its control groups."""

    by_controller: Mapping[str, Path]
    """Those of version 1."""
    unified: Path | None
    """That of version 2."""


def read_hierarchies() -> Hierarchies:
    """Look where control groups are mounted."""
    return parse_hierarchies(Path("/proc/self/mountinfo").read_text())


def parse_hierarchies(mountinfo: str) -> Hierarchies:
    """Find control groups among mounts (proc_pid_mountinfo(5))."""
    found: dict[str, Path] = {}
    unified = None
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, rest = right.partition(" ")
        place = Path(left.split(" ")[4])
        if kind == "cgroup2":
            unified = unified or place
        if kind == "cgroup":
            options = rest.partition(" ")[2].split(",")
            found |= {name: place for name in _NEEDED if name in options}
    return Hierarchies(found, unified)


def check_groups(hierarchies: Hierarchies, *, is_root: bool) -> None:
    """Refuse where no group could be made, or none would limit anything."""
    if "memory" not in hierarchies.by_controller:
        where = "version 2" if hierarchies.unified else "no version"
        raise UnavailableError(
            f"`--cgroup` needs control groups of version 1, and this machine has {where} of them",
            help=["leave `--cgroup` out: jobs then run without limits of memory"],
        )
    if not is_root:
        raise NotPermittedError(
            "`--cgroup` needs root here: control groups of version 1 are given to nobody else",
            help=["sudo hpcrun sandbox up --cgroup; jobs still run as you"],
        )
    missing = [name for name in _NEEDED if name not in hierarchies.by_controller]
    if missing:
        raise UnavailableError(
            f"`--cgroup` needs the controller `{missing[0]}`, which this machine does not mount",
            help=[f"mount -t cgroup -o {missing[0]} cgroup /sys/fs/cgroup/{missing[0]}"],
        )


def with_root(identity: Identity) -> Identity:
    """Let root inside be root outside, and nobody else be anybody more than before.

    The kernel lets no other user move processes of a third one between groups of version 1
    (kernel/cgroup/cgroup-v1.c, __cgroup1_procs_write), which Slurm does with each task.
    """
    maps = identity.maps
    own = IdMaps(_root_outside(maps.uids), _root_outside(maps.gids), maps.is_privileged)
    return Identity(identity.user, own, (*identity.warnings, _ROOT_IS_ROOT))


def _root_outside(ranges: Iterable[IdRange]) -> tuple[IdRange, ...]:
    changed: list[IdRange] = []
    for ids in ranges:
        if ids.inside != 0 or ids.outside == 0:
            changed.append(ids)
            continue
        changed.append(IdRange(0, 0, 1))
        if ids.length > 1:
            changed.append(IdRange(1, ids.outside + 1, ids.length - 1))
    return tuple(changed)


def groups_of(folder: Path, hierarchies: Hierarchies) -> dict[str, Path]:
    """Return the groups of the sandbox in that folder by controller, found by its path alone."""
    key = hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]
    name = f"hpcrun-{folder.name}-{key}"
    return {each: place / name for each, place in hierarchies.by_controller.items()}


def make_groups(folder: Path, nodes: Iterable[str]) -> dict[str, Path]:
    """Make the groups of a sandbox and its nodes anew; a killed one may have left some."""
    remove_groups(folder)
    groups = groups_of(folder, read_hierarchies())
    try:
        for group in groups.values():
            for node in nodes:
                (group / node).mkdir(parents=True)
    except OSError as error:
        remove_groups(folder)
        raise NotPermittedError(
            f"cannot make the control group `{error.filename}`: {error.strerror}",
            help=["in a container its runtime must give control groups that can be written"],
        ) from error
    return groups


def remove_groups(folder: Path) -> None:
    """Remove the groups of a sandbox, which has ended, if it has any."""
    ends = time.monotonic() + _EMPTY_S
    for group in groups_of(folder, read_hierarchies()).values():
        while group.is_dir():
            busy = _remove_below(group)
            if busy is None:
                continue
            if time.monotonic() > ends:
                raise WriteError(
                    f"the control group `{group}` stays: there are processes in it",
                    help=[f"see which: cat {busy}/cgroup.procs"],
                )
            time.sleep(_POLL_S)


def _remove_below(group: Path) -> Path | None:
    """Remove a group and those in it, the innermost first; one that cannot go yet."""
    busy = None
    for place, _, _ in os.walk(group, topdown=False):
        with suppress(FileNotFoundError):
            try:
                os.rmdir(place)  # noqa: PTH106 - os.walk gives texts
            except OSError:
                busy = busy or Path(place)
    return busy
