"""Can a folder of the caller be shown at the same path on every node; changes nothing."""

from pathlib import Path

from hpcrun.errors import MissingInputError, NotPermittedError, UsageError
from hpcrun.sandbox.identity import JobUser

# What every node has of its own, and what it shows read-only.
_OWN = ("bin", "boot", "dev", "etc", "lib", "lib64", "opt/hpc", "opt/hpcrun", "proc", "run", "sbin")
_OWN_TOO = ("sys", "usr", "var")
_OTHERS_WRITE = 0o002


def check_share(share: Path, user: JobUser) -> None:
    """Refuse a folder that is not there, not writable for jobs, or in the way of the nodes' own."""
    if not share.is_dir():
        raise MissingInputError(f"the shared folder `{share}` does not exist")
    folder = share.resolve()
    for taken in (*(Path("/", name) for name in (*_OWN, *_OWN_TOO)), Path(user.home)):
        if folder == taken or taken in folder.parents or folder in taken.parents:
            raise UsageError(
                f"`{folder}` cannot be shared at the same path: nodes have their own `{taken}`",
                help=["share a folder below it, or one below /srv, /data or the like"],
            )
    owner = folder.stat()
    if owner.st_uid != user.uid_outside and not owner.st_mode & _OTHERS_WRITE:
        raise NotPermittedError(
            f"jobs (uid {user.uid_outside}) could not write to the shared folder `{folder}`",
            help=[f"sudo chown {user.uid_outside}:{user.gid_outside} {folder}"],
        )
