"""Lays what came back into the working folder, never over what changed there; fetches nothing."""

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from hpcrun.errors import NotPermittedError
from hpcrun.model.staging import TreeFile
from hpcrun.store.plain_file import open_new

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def lay_back(
    came: Iterable[str], incoming: Path, workdir: Path, apart: Path, sent: Mapping[str, TreeFile]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Move files into place; those that went there, and those that were kept apart.

    Whoever is killed in between begins anew: what is in place already is taken for what came.
    """
    placed: list[str] = []
    kept: list[str] = []
    for name in came:
        target = workdir / name
        if _is_same(incoming / name, target):
            placed.append(name)
            continue
        is_ours = _is_inside(target, workdir) and _is_unchanged(target, sent.get(name))
        if is_ours and _leads_out(incoming / name, target, workdir):
            is_ours = False
        if not is_ours:
            _clear_way(apart, name)
        _move(incoming / name, target if is_ours else apart / name)
        (placed if is_ours else kept).append(name)
    return tuple(placed), tuple(kept)


def _is_unchanged(target: Path, before: TreeFile | None) -> bool:
    """Whether nobody here has touched a file since it was sent, or made one of that name."""
    if not os.path.lexists(target):
        return True
    if before is None or target.is_dir():
        return False
    status = target.lstat()
    is_link = target.is_symlink()
    if is_link != (before.kind == "link") or status.st_mtime_ns != before.mtime_ns:
        return False
    return is_link or status.st_size == before.size


def _is_same(new: Path, target: Path) -> bool:
    """Whether an earlier try has put it there already."""
    if new.is_symlink() or target.is_symlink():
        both = new.is_symlink() and target.is_symlink()
        return both and new.readlink() == target.readlink()
    if not target.is_file():
        return False
    ours, theirs = new.stat(), target.stat()
    return (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)


def _is_inside(target: Path, workdir: Path) -> bool:
    """Whether no link on the way leads out of the working folder, and no file is in the way."""
    for parent in target.relative_to(workdir).parents:
        place = workdir / parent
        if place.is_symlink() and not place.resolve().is_relative_to(workdir.resolve()):
            return False
        if os.path.lexists(place) and not place.is_dir():
            return False
    return True


def _leads_out(new: Path, target: Path, workdir: Path) -> bool:
    """Whether it is a link that leads out of the working folder, by what links are there."""
    if not new.is_symlink():
        return False
    end = target.parent / new.readlink()
    return not end.resolve().is_relative_to(workdir.resolve())


def _clear_way(apart: Path, name: str) -> None:
    """Remove what came earlier and is in the way: a link, or a file where a folder must be."""
    place = apart / name
    for folder in reversed(place.relative_to(apart).parents):
        way = apart / folder
        if way.is_symlink() or (way.exists() and not way.is_dir()):
            way.unlink()
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)


def _move(source: Path, target: Path) -> None:
    """Put a file into its place in one step, also from another disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(source, target)  # noqa: PTH105 - the name says that it is one step
    except OSError:
        _copy(source, aside := target.with_name(f".{target.name}.hpcrun"))
        os.replace(aside, target)  # noqa: PTH105


def _copy(source: Path, target: Path) -> None:
    """Copy a file or a link; a link that lies at the target is not followed."""
    if source.is_symlink():
        target.unlink(missing_ok=True)
        target.symlink_to(source.readlink())
        return
    with source.open("rb") as content, os.fdopen(open_new(target), "wb") as copy:
        shutil.copyfileobj(content, copy)
    shutil.copystat(source, target, follow_symlinks=False)


def lay_records(came: Iterable[str], incoming: Path, folder: Path) -> None:
    """Move a job's records and output into its run's folder, which may come from elsewhere.

    Names are at most one folder deep (stage_listing.records_of).
    """
    for name in came:
        within, _, last = name.rpartition("/")
        opened = _open_below(folder, within)
        try:
            os.rename(incoming / name, last, dst_dir_fd=opened)
        finally:
            os.close(opened)


def _open_below(folder: Path, name: str) -> int:
    """Open the folder itself, or one in it, which is made; never through a link."""
    base = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    if not name:
        return base
    try:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=base)
        return os.open(name, _FOLDER, dir_fd=base)
    except OSError as exc:
        raise NotPermittedError(
            f"`{folder / name}` is no folder but a link or a file, so nothing is written there",
            help=(f"look at it, then remove it and fetch again: rm {folder / name}",),
        ) from exc
    finally:
        os.close(base)
