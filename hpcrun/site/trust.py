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


def check_trust(site: Site, files: Iterable[Path]) -> tuple[Diagnostic, ...]:
    """Give warnings about files that others can change; refuse them where they name a command."""
    doubts = [(path, doubt) for path in files for doubt in _doubts(path)]
    if _names_command(site):
        doubts += _doubts_of_ssh(site)
    if doubts and _names_command(site):
        path, doubt = doubts[0]
        raise NotPermittedError(
            f"`{path}` names a command to run, and {doubt}",
            help=[f"look at the profile, then: chown $USER {path}; chmod go-w {path}"],
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
    if config is None or not config.exists():
        return []
    try:
        files = (config, *included_files(config))
    except UnreadableIncludeError as exc:
        return [(config, str(exc))]
    return [(file, doubt) for file in files for doubt in _doubts(file)]


def _doubts(path: Path) -> Iterator[str]:
    if path.is_relative_to(resources.site_profiles_folder()):
        return
    status = path.stat()
    if status.st_uid not in (0, os.geteuid()):
        yield f"it belongs to user {status.st_uid}, who is neither root nor you"
    is_group_trusted = _is_own_group(status.st_uid, status.st_gid)
    others = stat.S_IWOTH if is_group_trusted else stat.S_IWGRP | stat.S_IWOTH
    if status.st_mode & others:
        yield f"others can change it (mode {stat.S_IMODE(status.st_mode):04o})"
    folder = path.parent.stat()
    if folder.st_uid not in (0, os.geteuid()):
        yield f"user {folder.st_uid}, to whom its folder belongs, can replace it"
    if folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
        yield f"others can replace it (mode {stat.S_IMODE(folder.st_mode):04o} of its folder)"


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
