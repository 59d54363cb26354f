"""The files that a configuration of ssh takes in by Include; does not read what they say."""

import glob
import re
from collections.abc import Iterator
from pathlib import Path

_INCLUDE = re.compile(r"\s*include(?:\s*=\s*|\s+)(.*)", re.IGNORECASE)
_WORD = re.compile(r"\"([^\"]*)\"|(\S+)")
_DEPTH_MAX = 16
"""As OpenSSH has it (readconf.c, READCONF_MAX_DEPTH)."""
_FILES_MAX = 200
_BYTES_MAX = 1 << 20


class UnreadableIncludeError(Exception):
    """What is included cannot be told."""


def included_files(config: Path) -> tuple[Path, ...]:
    """Return every file that is included, directly or not, each once.

    Relative names start in ~/.ssh, as for any configuration that is not the machine's own.
    """
    found: dict[Path, None] = {}
    pending = [(config, 0)]
    while pending:
        file, depth = pending.pop(0)
        for path in _included_by(file):
            if path in found:
                continue
            if depth >= _DEPTH_MAX or len(found) >= _FILES_MAX:
                raise UnreadableIncludeError(f"`{file}` includes more files than are looked at")
            found[path] = None
            pending.append((path, depth + 1))
    return tuple(found)


def _included_by(file: Path) -> Iterator[Path]:
    try:
        with file.open(encoding="utf-8", errors="surrogateescape") as text:
            lines = text.read(_BYTES_MAX + 1)
    except OSError as exc:
        raise UnreadableIncludeError(f"`{file}` cannot be read: {exc.strerror}") from exc
    if len(lines) > _BYTES_MAX:
        raise UnreadableIncludeError(f"`{file}` is too large to be looked at")
    for line in lines.splitlines():
        match = _INCLUDE.fullmatch(line)
        for word in _WORD.finditer(match[1]) if match else ():
            yield from _matches(word[1] if word[1] is not None else word[2], file)


def _matches(name: str, file: Path) -> Iterator[Path]:
    if "%" in name or "$" in name:
        raise UnreadableIncludeError(f"`{file}` includes `{name}`, which only ssh can tell")
    path = Path(name).expanduser()
    if not path.is_absolute():
        path = Path("~/.ssh").expanduser() / path
    yield from (Path(each) for each in sorted(glob.glob(str(path))) if Path(each).is_file())  # noqa: PTH207
