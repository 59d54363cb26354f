"""Who the caller is outside and inside: job user and id maps; starts nothing."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from hpcrun.errors import NotPermittedError
from hpcrun.sandbox.namespace import IdMaps, IdRange

_FIRST_USER = 1000
# Debian's own ids, `nobody` (65534) the highest, must all exist inside.
_NEEDED_IDS = 65536


@dataclass(frozen=True)
class JobUser:
    """The user as whom jobs and commands run; the ids outside are the owners of its files."""

    name: str
    uid: int
    gid: int
    uid_outside: int
    gid_outside: int

    @property
    def home(self) -> str:
        """Home folder inside."""
        return f"/home/{self.name}"


@dataclass(frozen=True)
class Identity:
    """The job user and the maps of the sandbox's user namespace."""

    user: JobUser
    maps: IdMaps

    @property
    def key(self) -> str:
        """What the owners of unpacked files depend on; part of the name of what is cached."""
        return " ".join(
            f"{r.inside}:{r.outside}:{r.length}" for r in self.maps.uids + self.maps.gids
        )


def find_identity() -> Identity:
    """Return who runs what: root maps everybody, an ordinary user its subordinate ids."""
    return _as_root() if os.geteuid() == 0 else _as_ordinary_user()


def _as_root() -> Identity:
    maps = IdMaps(
        uids=map_everybody(Path("/proc/self/uid_map")),
        gids=map_everybody(Path("/proc/self/gid_map")),
        is_privileged=True,
    )
    sudo_uid = int(os.environ.get("SUDO_UID", "0"))
    name, gid = "researcher", _FIRST_USER
    if sudo_uid:
        gid = int(os.environ.get("SUDO_GID", str(sudo_uid)))
        name = _login_name(sudo_uid) or os.environ.get("SUDO_USER", name)
    uid = sudo_uid or _FIRST_USER
    return Identity(JobUser(name, uid, gid, uid, gid), maps)


def _as_ordinary_user() -> Identity:
    uid = os.geteuid()
    # newgidmap allows the primary group of the password database, whatever the current one is.
    try:
        gid = pwd.getpwuid(uid).pw_gid
    except KeyError:
        gid = os.getegid()
    name = _login_name(uid)
    maps = IdMaps(
        uids=_map_of(uid, read_subordinate_start(Path("/etc/subuid"), uid, name)),
        gids=_map_of(gid, read_subordinate_start(Path("/etc/subgid"), uid, name)),
        is_privileged=False,
    )
    user = JobUser(name or "researcher", _FIRST_USER, _FIRST_USER, uid, gid)
    return Identity(user, maps)


def map_everybody(table: Path) -> tuple[IdRange, ...]:
    """Keep every id that there is here, as itself: all of them, or a container's share."""
    lines = [line.split() for line in table.read_text().splitlines()]
    ranges = tuple(IdRange(int(start), int(start), int(length)) for start, _, length in lines)
    n_ids = sum(ids.length for ids in ranges)
    if n_ids < _NEEDED_IDS:
        raise NotPermittedError(
            f"a sandbox needs {_NEEDED_IDS} user and group ids, and root has only {n_ids} here",
            help=["start the container, or the user namespace, with a whole range of ids"],
        )
    return ranges


def _login_name(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _map_of(own: int, start: int) -> tuple[IdRange, ...]:
    """Root is the first subordinate id, user 1000 is the caller, the rest are further ones."""
    return (
        IdRange(0, start, _FIRST_USER),
        IdRange(_FIRST_USER, own, 1),
        IdRange(_FIRST_USER + 1, start + _FIRST_USER, _NEEDED_IDS - _FIRST_USER - 1),
    )


def read_subordinate_start(table: Path, uid: int, name: str | None) -> int:
    """First id of the caller's range in /etc/subuid or /etc/subgid (subuid(5))."""
    who = name or str(uid)
    largest = 0
    try:
        lines = table.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        owner, _, numbers = line.strip().partition(":")
        start, _, count = numbers.partition(":")
        if owner in {name, str(uid)} and start.isdecimal() and count.isdecimal():
            if int(count) >= _NEEDED_IDS - 1:
                return int(start)
            largest = max(largest, int(count))
    found = f"`{who}` has only {largest} ids there" if largest else f"`{who}` has no range there"
    option = "--add-subuids" if table.name == "subuid" else "--add-subgids"
    raise NotPermittedError(
        f"a sandbox needs {_NEEDED_IDS} subordinate ids in `{table}`, and {found}",
        help=[
            "root can add a range (choose numbers that no other line of the file uses): "
            f"sudo usermod {option} 100000-{100000 + _NEEDED_IDS - 1} {who}"
        ],
    )
