"""The files that a configuration of ssh takes in by Include; does not read what they say."""

import glob
import re
from collections.abc import Iterator
from pathlib import Path

from hpcrun.site.ssh_line import first_word

_WORD = re.compile(r"\"([^\"]*)\"(?=[ \t]|$)|([^\s\"=]+)(?=[ \t]|$)")
_ONLY_SSH = re.compile(r"[%$\[]")
_DEPTH_MAX = 16
"""As OpenSSH has it (readconf.c, READCONF_MAX_DEPTH)."""
_FILES_MAX = 200
_BYTES_MAX = 1 << 20


class UnreadableIncludeError(Exception):
    """What is included cannot be told."""


def included_files(config: Path) -> tuple[Path, ...]:
    """Return every file that is included, directly or not, each once, and where more may appear.

    That is the folder in which a pattern looks, or a file that is not there yet. Relative names
    start in ~/.ssh, as for any configuration that is not the machine's own.
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
            if path.is_file():
                pending.append((path, depth + 1))
    return tuple(found)


def _included_by(file: Path) -> Iterator[Path]:
    try:
        with file.open(encoding="utf-8", errors="surrogateescape", newline="\n") as text:
            lines = text.read(_BYTES_MAX + 1)
    except OSError as exc:
        raise UnreadableIncludeError(f"`{file}` cannot be read: {exc.strerror}") from exc
    if len(lines) > _BYTES_MAX:
        raise UnreadableIncludeError(f"`{file}` is too large to be looked at")
    for line in lines.split("\n"):
        keyword, rest = first_word(line)
        if keyword.lower() == "include":
            for name in _names(rest, file):
                yield from _matches(name, file)


def _names(text: str, file: Path) -> Iterator[str]:
    """Split into words; where versions of ssh split in different ways, none is guessed."""
    at = 0
    while (at := len(text) - len(text[at:].lstrip(" \t"))) < len(text) and text[at] != "#":
        word = _WORD.match(text, at)
        if word is None or "'" in word[0] or "\\" in word[0]:
            raise UnreadableIncludeError(
                f"`{file}` includes `{text}`, whose quotes, `=` or backslashes only ssh can tell"
            )
        yield word[1] if word[1] is not None else word[2]
        at = word.end()


def _matches(name: str, file: Path) -> Iterator[Path]:
    if _ONLY_SSH.search(name):
        raise UnreadableIncludeError(f"`{file}` includes `{name}`, which only ssh can tell")
    try:
        path = Path(name).expanduser()
        if not path.is_absolute():
            path = Path("~/.ssh").expanduser() / path
    except RuntimeError as exc:
        raise UnreadableIncludeError(f"`{file}` includes `{name}`: {exc}") from exc
    if not glob.has_magic(str(path)):
        yield path
        return
    yield from _glob(path)
    # Whoever can make a file or a folder there that fits adds to the configuration.
    for folder in path.parents:
        yield from _glob(folder)
        if not glob.has_magic(str(folder)):
            return


def _glob(pattern: Path) -> Iterator[Path]:
    found = sorted(glob.glob(str(pattern))) if glob.has_magic(str(pattern)) else [str(pattern)]  # noqa: PTH207
    yield from map(Path, found)
