"""Control groups that a sandbox gets from this machine, and that go with it; knows no Slurm.

Version 1: each hierarchy that limits something gets one group per sandbox, named after it, and in
it one per node, which the node sees as the root of its own hierarchy. Version 2: unified.py. See
cgroups(7).
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hpcrun.errors import NotPermittedError, UnavailableError, WriteError
from hpcrun.sandbox import linux, namespace, unified
from hpcrun.sandbox.identity import Identity, find_identity
from hpcrun.sandbox.namespace import Adopt, IdMaps, IdRange

# What Slurm limits jobs by, and what it finds all processes of a job by.
_NEEDED = ("memory", "freezer")
_ROOT_IS_ROOT = (
    "with `--cgroup` root inside is this machine's root and could change its settings (/proc/sys): "
    "run nothing as root inside that you would not run as root here"
)
_ENDS_AT_LOGOUT = (
    "with `--cgroup` your sandbox is part of your systemd session, and ends when you have logged "
    "out everywhere (root: loginctl enable-linger {name})"
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
    is_mixed: bool = False
    """Whether there are some of version 1 beside it."""

    @property
    def tree(self) -> Path | None:
        """Where groups of version 2 can be made; Slurm knows how to use no mixture."""
        return None if self.is_mixed else self.unified

    @property
    def version(self) -> int | None:
        """Return the version by which memory can be limited."""
        if unified.CONTROLLER in self.by_controller:
            return 1
        return 2 if self.tree else None


def read_hierarchies() -> Hierarchies:
    """Look where control groups are mounted."""
    return parse_hierarchies(Path("/proc/self/mountinfo").read_text())


def parse_hierarchies(mountinfo: str) -> Hierarchies:
    """Find control groups among mounts (proc_pid_mountinfo(5))."""
    found: dict[str, Path] = {}
    tree = None
    is_mixed = False
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, rest = right.partition(" ")
        place = Path(left.split(" ")[4])
        if kind == "cgroup2":
            tree = tree or place
        if kind == "cgroup":
            is_mixed = True
            options = rest.partition(" ")[2].split(",")
            found |= {name: place for name in _NEEDED if name in options}
    return Hierarchies(found, tree, is_mixed)


def check_groups(hierarchies: Hierarchies, *, is_root: bool) -> None:
    """Refuse where no group could be made, or none would limit anything."""
    if hierarchies.tree is not None:
        unified.check(hierarchies.tree, is_root=is_root, uid=os.geteuid())
        return
    if hierarchies.version is None:
        what = "a mixture of both versions without limits of memory in version 1"
        raise UnavailableError(
            "`--cgroup` needs control groups of version 1 or 2, and this machine has "
            + (what if hierarchies.unified else "none"),
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


def settle_identity(identity: Identity, version: int | None) -> Identity:
    """Return who is who inside, and what to warn of, with control groups of that version."""
    if version == 1:
        return with_root(identity)
    name = identity.user.name
    if identity.maps.is_privileged or not unified.ends_at_logout(name):
        return identity
    return replace(identity, warnings=(*identity.warnings, _ENDS_AT_LOGOUT.format(name=name)))


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
    name = group_name(folder)
    return {each: place / name for each, place in hierarchies.by_controller.items()}


def group_name(folder: Path) -> str:
    """Name the groups of the sandbox in that folder."""
    key = hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]
    return f"hpcrun-{folder.name}-{key}"


def adopter(folder: Path, maps: IdMaps) -> Adopt | None:
    """Return what puts a process into the group of version 2 of a sandbox, where there is that."""
    tree, name = read_hierarchies().tree, group_name(folder)
    if tree is None:
        return None
    if maps.is_privileged:
        return partial(unified.adopt_as_root, tree, name, maps)
    return partial(unified.adopt_as_user, name)


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
    hierarchies = read_hierarchies()
    for group in groups_of(folder, hierarchies).values():
        _remove(group, _remove_below)
    if hierarchies.tree is not None:
        name, uid = group_name(folder), os.geteuid()
        for group in unified.find(hierarchies.tree, name, is_root=uid == 0, uid=uid):
            _remove(group, _remove_below if uid == 0 else _remove_owned_inside)


def _remove(group: Path, attempt: Callable[[Path], Path | None]) -> None:
    ends = time.monotonic() + _EMPTY_S
    while group.is_dir():
        busy = attempt(group)
        if not group.is_dir():
            return
        if time.monotonic() > ends:
            raise WriteError(
                f"the control group `{group}` stays: there are processes in it",
                help=[f"see which: cat {busy or group}/cgroup.procs"],
            )
        time.sleep(_POLL_S)


def _remove_owned_inside(group: Path) -> Path | None:
    """Remove a group in which root inside has made others; the rest is the caller's."""

    def body() -> None:
        _remove_below(group)

    namespace.run(find_identity().maps, linux.CLONE_NEWNS, body)
    return _remove_below(group)


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
