"""Which files the site has, and which it sees as this side does; copies and decides nothing."""

import os
from collections.abc import Sequence
from pathlib import Path

from hpcrun.errors import UnavailableError
from hpcrun.ports import CommandRunner

_FIND_MISSING = 'for path; do [ -e "$path" ] || printf "%s\\0" "$path"; done'
# Inode, size and time: a network file system shows all its clients the same.
_LOOK = """
printf '%s\\0' "$HOME"
for path; do
    stat -L -c '%i %s %Y' -- "$path" 2>/dev/null || echo none
done
"""


class SiteFiles:
    """The files of one site."""

    def __init__(self, runner: CommandRunner) -> None:
        self._runner = runner

    def find_missing(self, paths: Sequence[Path]) -> tuple[Path, ...]:
        """Return which of these paths are not there, by one question."""
        if self._runner.is_local or not paths:
            return tuple(path for path in paths if not path.exists())
        said = self._ask(_FIND_MISSING, paths)
        return tuple(Path(os.fsdecode(name)) for name in said.split(b"\0")[:-1])

    def find_home_and_shared(self, paths: Sequence[Path]) -> tuple[Path, frozenset[Path]]:
        """Return the home folder there, and which paths are the very same file on both sides."""
        home, _, rest = self._ask(_LOOK, paths).partition(b"\0")
        seen = zip(paths, rest.decode().splitlines(), strict=False)
        shared = frozenset(path for path, there in seen if there == _mark(path))
        return Path(os.fsdecode(home)), shared

    def _ask(self, script: str, paths: Sequence[Path]) -> bytes:
        result = self._runner.run(("sh", "-c", script, "hpcrun", *map(str, paths)))
        if result.exit_code != 0:
            said = result.stderr.strip() or f"exit code {result.exit_code}"
            raise UnavailableError(f"cannot look at files of the site: {said}")
        return result.stdout


def _mark(path: Path) -> str | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return f"{status.st_ino} {status.st_size} {int(status.st_mtime)}"


def nearest_existing(path: Path) -> Path:
    """Return the path, or the first of its parents that exists."""
    return next(place for place in (path, *path.parents) if place.exists())
