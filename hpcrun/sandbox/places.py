"""Where a sandbox keeps its files on this machine; makes nothing."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hpcrun.errors import NotPermittedError, UsageError

DEFAULT_NAME = "sandbox"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_RESERVED = {"cache"}


def state_root() -> Path:
    """Folder of all sandboxes and of what they share, by the one path that it has inside too."""
    chosen = os.environ.get("HPCRUN_SANDBOX_DIR")
    if chosen:
        return Path(chosen).expanduser().resolve()
    from platformdirs import user_data_path

    return (user_data_path("hpcrun") / "sandbox").resolve()


@dataclass(frozen=True)
class Places:
    """The folders and files of one sandbox."""

    root: Path
    name: str

    @property
    def cache(self) -> Path:
        """What all sandboxes share: root file systems, wheels."""
        return self.root / "cache"

    @property
    def folder(self) -> Path:
        """Everything that is this sandbox's own."""
        return self.root / self.name

    @property
    def state_file(self) -> Path:
        """What is running, if anything is."""
        return self.folder / "state.json"

    @property
    def settings(self) -> Path:
        """Settings for the scripts inside; written first, so it marks the folder as a sandbox's."""
        return self.folder / "settings.sh"

    @property
    def is_free(self) -> bool:
        """Whether the folder is not there, or empty, so that it may become a sandbox."""
        return not self.folder.exists() or not any(self.folder.iterdir())

    @property
    def is_sandbox(self) -> bool:
        """Whether the folder is a sandbox's, and may be changed and removed as such."""
        if not self.settings.is_file():
            return False
        text = self.settings.read_text()
        # Empty is what a process leaves that is killed between opening and writing it.
        return not text or text.startswith("BOX_")

    @property
    def share(self) -> Path:
        """Shared folder, unless the caller named another."""
        return self.folder / "share"

    @property
    def home(self) -> Path:
        """Home folder of the job user, the same on all nodes."""
        return self.folder / "home"

    @property
    def logs(self) -> Path:
        """Logs of the box and, one folder each, of the nodes."""
        return self.folder / "logs"

    @property
    def profile(self) -> Path:
        """Site profile through which hpcrun outside reaches the sandbox."""
        return self.folder / "sites" / f"{self.name}.yaml"


@contextmanager
def telling_whose(where: Places) -> Iterator[None]:
    """Say it plainly where the folder of sandboxes belongs to somebody else."""
    try:
        _check_owner(where.root)
        yield
    except PermissionError as error:
        raise NotPermittedError(
            f"`{where.root}` is not yours to use: {error.filename or 'end it'}: {error.strerror}",
            help=["HPCRUN_SANDBOX_DIR names another folder for sandboxes"],
        ) from error


def _check_owner(root: Path) -> None:
    """Refuse a folder in which others could say what to end or enter, and where to write.

    It matters to root, who could be told of any process, and of links to any file.
    """
    if not root.exists():
        return
    status = root.stat()
    if status.st_uid not in (0, os.geteuid()):
        doubt = f"belongs to user {status.st_uid}, who is neither root nor you"
    elif status.st_mode & stat.S_IWOTH:
        doubt = "can be written by everybody"
    else:
        return
    raise NotPermittedError(
        f"`{root}` {doubt}, so it is not used for sandboxes",
        help=["HPCRUN_SANDBOX_DIR names another folder, which need not exist yet"],
    )


def places(name: str = DEFAULT_NAME) -> Places:
    """Return the places of the sandbox of that name."""
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise UsageError(
            f"`{name}` cannot be the name of a sandbox",
            help=[
                "a name has lower case letters, digits and `-`, starts with a letter, "
                "has at most 31 characters and is not `cache`"
            ],
        )
    return Places(state_root(), name)
