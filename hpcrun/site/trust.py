"""Who could have written a profile; a profile names commands that hpcrun runs, so it matters.

A profile that names a command (`access: {prefix: …}` or `{ssh: …}`) is used only if nobody but its
owner, who is root or the caller, can change it, nor the configuration of ssh that it names, nor
what that one includes; the owner's own group counts as the owner. Any other profile gets a warning
instead: it can mislead a plan, but runs nothing. Shipped profiles are not checked: whoever can
change them can change hpcrun itself.

A job file, or a run, that came from elsewhere may bring a profile along, which then belongs to the
caller too. So a command is run only of a profile that the person named, or that lies where profiles
are kept.
"""

import grp
import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from hpcrun import resources
from hpcrun.errors import NotPermittedError
from hpcrun.model.diagnostic import Confidence, Diagnostic, Help, Location, Severity
from hpcrun.model.site import Site
from hpcrun.site.ssh_config import UnreadableIncludeError, included_files

_LINKS_MAX = 40
"""As Linux has it (path_resolution(7))."""


def check_trust(site: Site, files: Iterable[Path]) -> tuple[Diagnostic, ...]:
    """Give warnings about files that others can change; refuse them where they name a command."""
    doubts = [(path, doubt) for path in files for doubt in _doubts(path)]
    if _names_command(site):
        doubts += _doubts_of_ssh(site)
    if doubts and _names_command(site):
        path, doubt = doubts[0]
        raise NotPermittedError(
            f"`{path}` names a command to run, and {doubt}",
            help=[
                f"look at the profile, then: chown $USER {path}; chmod go-w {path}",
                "where its folder is the cause, keep it in one that nobody else can write to",
            ],
        )
    return tuple(_warning(path, doubt) for path, doubt in doubts)


def check_choice(site: Site, folders: Iterable[Path], *, by: str) -> None:
    """Refuse the command of a profile that a file chose and that lies in none of the folders."""
    if not _names_command(site):
        return
    if site.file.parent.resolve() in [folder.resolve() for folder in folders]:
        return
    raise NotPermittedError(
        f"{by} chooses the profile `{site.file}`, which names a command to run",
        help=[f"look at the profile, then choose it yourself: --site {site.file}"],
    )


def _names_command(site: Site) -> bool:
    return site.access.prefix is not None or site.access.ssh is not None


def _doubts_of_ssh(site: Site) -> list[tuple[Path, str]]:
    """Look at a configuration of ssh too, which can name commands (ProxyCommand, Match exec)."""
    config = site.access.ssh.config if site.access.ssh else None
    if config is None:
        return []
    try:
        files = (config, *(included_files(config) if config.exists() else ()))
    except UnreadableIncludeError as exc:
        return [(config, str(exc))]
    except OSError as exc:
        return [(config, _unseen(exc))]
    return [(file, doubt) for file in files for doubt in _doubts(file)]


def _doubts(path: Path) -> Iterator[str]:
    """Doubt a file, each link on the way to it, and the folders in which they can be replaced."""
    if path.is_relative_to(resources.site_profiles_folder()):
        return
    try:
        if not os.path.lexists(path):
            yield from _doubts_of_missing(path)
            return
        target = Path(os.path.realpath(path))
        if not target.exists():
            yield from _doubts_of_missing(target)
        elif target.is_dir():
            yield from _doubts_of_folder(target, may_add=True)
        else:
            yield from _doubts_of_file(target.stat())
        for folder in dict.fromkeys((*_folders_of_links(path), target.parent)):
            yield from _doubts_of_folder(folder)
    except OSError as exc:
        yield _unseen(exc)


def _doubts_of_missing(path: Path) -> Iterator[str]:
    """Doubt what is not there yet: whoever can make it decides what it says."""
    nearest = next(folder for folder in path.parents if folder.exists())
    yield from _doubts_of_folder(nearest, may_add=True)


def _doubts_of_file(status: os.stat_result) -> Iterator[str]:
    if status.st_uid not in (0, os.geteuid()):
        yield f"it belongs to user {status.st_uid}, who is neither root nor you"
    if status.st_mode & _others(status):
        yield f"others can change it (mode {stat.S_IMODE(status.st_mode):04o})"


def _doubts_of_folder(folder: Path, *, may_add: bool = False) -> Iterator[str]:
    """Doubt a folder; where a new file counts too, its sticky bit protects nothing."""
    status = folder.stat()
    if status.st_uid not in (0, os.geteuid()):
        yield f"user {status.st_uid}, to whom its folder belongs, can replace it: `{folder}`"
    is_kept = status.st_mode & stat.S_ISVTX and not may_add
    if status.st_mode & _others(status) and not is_kept:
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        what = "make what is not there yet" if may_add else "replace it"
        yield f"others can {what} (mode {mode} of its folder `{folder}`)"


def _folders_of_links(path: Path) -> Iterator[Path]:
    """Give the folder of a file, and of each link that follows."""
    for _ in range(_LINKS_MAX):
        yield path.parent.resolve()
        if not path.is_symlink():
            return
        path = path.parent / path.readlink()


def _others(status: os.stat_result) -> int:
    """Return the bits by which others than the owner may write."""
    if _is_own_group(status.st_uid, status.st_gid):
        return stat.S_IWOTH
    return stat.S_IWGRP | stat.S_IWOTH


def _unseen(exc: OSError) -> str:
    return f"it cannot be looked at: {exc.strerror}"


def _is_own_group(uid: int, gid: int) -> bool:
    """Whether a group has its user alone, as on systems that set umask 002 for that reason."""
    try:
        user, group = pwd.getpwuid(uid), grp.getgrgid(gid)
    except KeyError:
        return False
    return (user.pw_gid, user.pw_name) == (gid, group.gr_name) and not (
        set(group.gr_mem) - {user.pw_name}
    )


def _warning(path: Path, doubt: str) -> Diagnostic:
    return Diagnostic(
        code="HPR012",
        rule="writable-profile",
        severity=Severity.WARNING,
        message="others can change this profile",
        location=Location(file=str(path)),
        found=(doubt,),
        help=(Help(text=f"chmod go-w {path}", confidence=Confidence.SURE),),
    )
