"""Which files of a working folder go along, and which came back changed; copies nothing."""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from hpcrun.errors import MissingInputError, RefusedError
from hpcrun.model.staging import TreeFile

MAX_BYTES = 1 << 30
MAX_FILES = 10_000
MAX_BACK_BYTES = 10 << 30
MAX_BACK_FILES = 100_000
OWN = ".hpcrun"
_GIB = 1 << 30
_ANY_FOLDERS = r"(?:[^/]+/)*"


class Tree(NamedTuple):
    """What is in a folder, by paths in there."""

    files: tuple[TreeFile, ...]
    folders: tuple[str, ...]


def survey(workdir: Path, only: Sequence[str] | None, *, leave_out: Iterable[Path] = ()) -> Tree:
    """Return what goes along: all but runs and `leave_out`, or what the patterns name."""
    left_out = set(leave_out)
    files: list[TreeFile] = []
    folders: list[str] = []
    n_bytes = 0
    for entry, path in _walk(workdir, ""):
        if Path(entry.path) in left_out or (only is not None and not matches_any(only, path)):
            continue
        if entry.is_dir(follow_symlinks=False):
            folders.append(path)
            continue
        files.append(_tree_file(entry, path))
        n_bytes += files[-1].size
        if n_bytes > MAX_BYTES or len(files) + len(folders) > MAX_FILES:
            raise _too_much(workdir, is_size=n_bytes > MAX_BYTES)
    _check_patterns(workdir, only, [*(file.path for file in files), *folders])
    return Tree(tuple(files), tuple(folders))


def _walk(folder: Path, prefix: str) -> Iterator[tuple["os.DirEntry[str]", str]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as exc:
        raise MissingInputError(f"cannot read {folder}: {exc.strerror}") from exc
    for entry in entries:
        path = f"{prefix}{entry.name}"
        if path == OWN:
            continue
        yield entry, path
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / entry.name, f"{path}/")


def _tree_file(entry: "os.DirEntry[str]", path: str) -> TreeFile:
    status = entry.stat(follow_symlinks=False)
    kind = stat.S_IFMT(status.st_mode)
    try:
        path.encode()
    except UnicodeEncodeError as exc:
        raise _cannot_go(entry.path, "its name is not UTF-8") from exc
    if kind == stat.S_IFLNK:
        return TreeFile(path=path, size=0, mtime_ns=status.st_mtime_ns, kind="link")
    if kind != stat.S_IFREG:
        raise _cannot_go(entry.path, "it is neither a file nor a folder nor a link")
    if not os.access(entry.path, os.R_OK):
        raise _cannot_go(entry.path, "you may not read it")
    return TreeFile(path=path, size=status.st_size, mtime_ns=status.st_mtime_ns)


def _cannot_go(path: str, why: str) -> RefusedError:
    shown = path.encode("utf-8", "backslashreplace").decode()
    return RefusedError(
        f"cannot send `{shown}` to the site: {why}",
        help=("remove it from the working folder, or name what goes along: `stage_in: [...]`",),
    )


def _too_much(workdir: Path, *, is_size: bool) -> RefusedError:
    limit = f"{MAX_BYTES // _GIB} GiB" if is_size else f"{MAX_FILES} files"
    return RefusedError(
        f"the site does not see the working folder `{workdir}`, which holds more than {limit}",
        help=(
            "name what the job needs of it: `stage_in: [run.py, data/*.nii]`",
            "or work in a folder that the site sees; then nothing is copied",
            "or put large data at the site, and name its folder there in `mounts`",
        ),
    )


def _check_patterns(workdir: Path, only: Sequence[str] | None, found: Sequence[str]) -> None:
    idle = [one for one in only or () if not any(matches_any((one,), path) for path in found)]
    if idle:
        raise RefusedError(
            f"`stage_in` names `{idle[0]}`, and nothing in `{workdir}` is so named",
            help=("correct it; paths and patterns begin in the working folder",),
        )


def matches_any(patterns: Sequence[str], path: str) -> bool:
    """Whether a path is what a pattern names, or lies in a folder that one names."""
    return any(_compiled(pattern).fullmatch(path) for pattern in patterns)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """`**` is any number of folders, `*` and `?` stand for letters of one name."""
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    text = ""
    for part in parts:
        if part == "**":
            # Two in a row mean the same, and would take long to fail.
            text = text.removesuffix(_ANY_FOLDERS) + _ANY_FOLDERS
            continue
        name = re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
        text += f"{name}/"
    # What a pattern names may be a folder, and then all that is in it.
    inner = text.removesuffix("/") if parts and parts[-1] != "**" else f"{text}[^/]+"
    return re.compile(f"{inner}(?:/.*)?" if parts else r"[\s\S]*", re.DOTALL)


def changed_there(
    now: Iterable[TreeFile],
    sent: Mapping[str, TreeFile],
    only: Sequence[str] | None,
    *,
    runs: str = OWN,
) -> tuple[TreeFile, ...]:
    """Return what a job has changed or created, as far as the patterns name it.

    Nothing below hpcrun's own folders: records there say what is read and written here. Copies have
    times of whole seconds, so a file that was written again cannot look like one.
    """
    changed = []
    for file in now:
        before = sent.get(file.path)
        is_same = (
            before is not None
            and before.kind == file.kind
            and (file.kind == "link" or before.size == file.size)
            and file.mtime_ns == whole_second(before.mtime_ns)
        )
        is_own = any(_is_below(file.path, folder) for folder in (OWN, runs))
        if not is_same and not is_own and (only is None or matches_any(only, file.path)):
            changed.append(file)
    if len(changed) > MAX_BACK_FILES or sum(file.size for file in changed) > MAX_BACK_BYTES:
        limit = f"{MAX_BACK_BYTES // _GIB} GiB or {MAX_BACK_FILES} files"
        raise RefusedError(
            f"the job has left more than {limit}, so nothing is copied back",
            help=("name what shall come back: `stage_out: [results/*.nii]`, and submit again",),
        )
    return tuple(changed)


def _is_below(path: str, folder: str) -> bool:
    """Whether a path leads into a folder, also where letters of both cases are the same."""
    return f"{path.casefold()}/".startswith(f"{folder.casefold()}/")


def whole_second(mtime_ns: int) -> int:
    """Return the time that a copy gets."""
    return mtime_ns // 10**9 * 10**9
