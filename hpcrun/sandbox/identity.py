"""Who the caller is outside and inside: job user and id maps; starts nothing."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from hpcrun.errors import NotPermittedError
from hpcrun.sandbox.free_ids import FIRST_USER, N_IDS, Span, choose_map, is_whole, map_whole
from hpcrun.sandbox.namespace import IdMaps

_FEW_IDS = (
    "root has few user and group ids here, so inside only root, services, the job user and "
    "`nobody` have one, and files of others in images lose their owners"
)


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
    warnings: tuple[str, ...] = ()
    other: "Identity | None" = None
    """Who the same caller is in sandboxes with the other maps, if there are such."""

    @property
    def key(self) -> str:
        """What the owners of unpacked files depend on; part of the name of what is cached."""
        maps = (ids for ids in self.maps.uids + self.maps.gids if ids.inside != FIRST_USER)
        return " ".join(f"{ids.inside}:{ids.outside}:{ids.length}" for ids in maps)


def find_identity() -> Identity:
    """Return who runs what: nobody inside is root outside, and the job user alone is somebody."""
    return _as_root() if os.geteuid() == 0 else _as_ordinary_user()


def _as_root() -> Identity:
    sudo_uid = int(os.environ.get("SUDO_UID", "0"))
    name, gid = "researcher", FIRST_USER
    if sudo_uid:
        gid = int(os.environ.get("SUDO_GID", str(sudo_uid)))
        name = _login_name(sudo_uid) or os.environ.get("SUDO_USER", name)
    uid = sudo_uid or FIRST_USER
    uids, gids = (
        choose_map(
            own,
            read_here(Path(f"/proc/self/{kind}_map")),
            (*read_taken(Path("/etc", people)), *read_taken(Path(f"/etc/sub{kind}"))),
        )
        for kind, own, people in (("uid", uid, "passwd"), ("gid", gid, "group"))
    )
    warnings = () if is_whole(uids) and is_whole(gids) else (_FEW_IDS,)
    user = JobUser(name, FIRST_USER, FIRST_USER, uid, gid)
    return Identity(user, IdMaps(uids, gids, is_privileged=True), warnings)


def _as_ordinary_user() -> Identity:
    uid = os.geteuid()
    # newgidmap allows the primary group of the password database, whatever the current one is.
    try:
        gid = pwd.getpwuid(uid).pw_gid
    except KeyError:
        gid = os.getegid()
    name = _login_name(uid)
    maps = IdMaps(
        uids=map_whole(uid, read_subordinate_start(Path("/etc/subuid"), uid, name)),
        gids=map_whole(gid, read_subordinate_start(Path("/etc/subgid"), uid, name)),
        is_privileged=False,
    )
    user = JobUser(name or "researcher", FIRST_USER, FIRST_USER, uid, gid)
    return Identity(user, maps)


def read_here(table: Path) -> tuple[Span, ...]:
    """Read which ids there are in this user namespace (/proc/self/uid_map)."""
    lines = [line.split() for line in table.read_text().splitlines()]
    return tuple(Span(int(start), int(length)) for start, _, length in lines)


def read_taken(table: Path) -> tuple[Span, ...]:
    """Read which ids are somebody's: passwd(5) and group(5), or ranges of subuid(5)."""
    try:
        lines = [line.strip().split(":") for line in table.read_text().splitlines()]
    except OSError:
        return ()
    is_ranges = table.name.startswith("sub")
    found = []
    for fields in lines:
        start, length = (*fields, "", "")[1:3] if is_ranges else ((*fields, "", "")[2], "1")
        if start.isdecimal() and length.isdecimal():
            found.append(Span(int(start), int(length)))
    return tuple(found)


def _login_name(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


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
            if int(count) >= N_IDS - 1:
                return int(start)
            largest = max(largest, int(count))
    found = f"`{who}` has only {largest} ids there" if largest else f"`{who}` has no range there"
    option = "--add-subuids" if table.name == "subuid" else "--add-subgids"
    raise NotPermittedError(
        f"a sandbox needs {N_IDS} subordinate ids in `{table}`, and {found}",
        help=[
            "root can add a range (choose numbers that no other line of the file uses): "
            f"sudo usermod {option} 100000-{100000 + N_IDS - 1} {who}"
        ],
    )
