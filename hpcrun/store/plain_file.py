"""Writes a small file of the caller's own in one step; whatever link lies there is not followed."""

import os
from pathlib import Path

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_plain(file: Path, text: str) -> None:
    """Replace a file, readable by its user alone; a link of that name is replaced itself."""
    aside = file.with_name(f".{file.name}.new")
    with os.fdopen(open_new(aside), "w", encoding="utf-8") as target:
        target.write(text)
    aside.replace(file)


def open_new(path: Path) -> int:
    """Open a file that is new, in place of what an earlier try or somebody else has left there.

    Raises FileExistsError where somebody makes one at the same moment.
    """
    path.unlink(missing_ok=True)
    return os.open(path, _NEW, 0o600)
