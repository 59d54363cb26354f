"""Profiles that were loaded before: reading YAML takes longer than all else of a short command.

What is kept counts only while every file that it was made from is the same, byte by byte, and
`extends` still leads to the same files; hpcrun itself and its form of profiles are part of the key.
"""

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from hpcrun import __version__, resources
from hpcrun.loading import load_site_with_positions
from hpcrun.loading.site_file import find_profile
from hpcrun.loading.source import MAX_FILE_BYTES
from hpcrun.model.base import Value
from hpcrun.model.memory import Memory
from hpcrun.model.site import Site


class _File(Value):
    path: Path
    sha256: str
    extends: str | None


class _Kept(Value):
    version: Literal[1] = 1
    files: tuple[_File, ...]
    """The profile and its parents, nearest first."""
    site: Site


def recall_site(
    path: Path, folders: Sequence[Path], memory: Memory | None
) -> tuple[Site, tuple[Path, ...]]:
    """Load a profile, or remember it; with it come its files, the profile's own first."""
    if memory is None:
        return _load(path, folders)
    key = _key(path, folders)
    kept = _parse(memory.recall(key))
    if kept is not None and _is_fresh(kept, path, folders):
        return kept.site, tuple(file.path for file in kept.files)
    before = _digest(path)
    site, files = _load(path, folders)
    early = [before, *(_digest(file) for file in files[1:])]
    if _is_settled(files, memory):
        _keep(key, site, files, early, memory)
    return site, files


def _is_settled(files: tuple[Path, ...], memory: Memory) -> bool:
    """Whether no file was changed so lately that it may have been while it was read."""
    try:
        return all(memory.is_settled(file.stat().st_mtime_ns) for file in files)
    except OSError:
        return False


def _load(path: Path, folders: Sequence[Path]) -> tuple[Site, tuple[Path, ...]]:
    site, positions = load_site_with_positions(path, search=folders)
    return site, positions.files


def _keep(
    key: str,
    site: Site,
    files: tuple[Path, ...],
    digests: Sequence[str | None],
    memory: Memory,
) -> None:
    names = [*(file.stem for file in files[1:]), None]
    rows = zip(files, digests, names, strict=True)
    kept = _Kept(
        files=tuple(_File(path=p, sha256=d or "", extends=n) for p, d, n in rows), site=site
    )
    memory.keep(key, kept.model_dump_json().encode())


def _parse(content: bytes | None) -> _Kept | None:
    from pydantic import ValidationError

    try:
        return None if content is None else _Kept.model_validate_json(content)
    except ValidationError:
        return None


def _is_fresh(kept: _Kept, path: Path, folders: Sequence[Path]) -> bool:
    """Whether the files are those that would be read now, and as they were."""
    expected: Path | None = path.absolute()
    for file in kept.files:
        if expected is None or file.path != expected or _digest(file.path) != file.sha256:
            return False
        expected = None
        if file.extends is not None:
            parent = find_profile(file.extends, [file.path.parent, *folders])
            expected = parent.absolute() if parent else None
            if parent is None:
                return False
    return expected is None


def _digest(path: Path) -> str | None:
    try:
        # Without O_NONBLOCK a named pipe would be waited on for ever.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:  # noqa: PTH123
            return hashlib.sha256(stream.read(MAX_FILE_BYTES + 1)).hexdigest()
    except OSError:
        return None


def _key(path: Path, folders: Sequence[Path]) -> str:
    parts = ("profile", __version__, _format(), str(path.absolute()), *map(str, folders))
    return "site-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()


@cache
def _format() -> str:
    schema = resources.package_folder("schemas") / "site.json"
    model = resources.package_folder("schemas") / "site-show.json"
    return hashlib.sha256(schema.read_bytes() + model.read_bytes()).hexdigest()
