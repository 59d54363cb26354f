"""What sandboxes share and keep: built once per recipe, whole or not at all; knows no recipe."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hpcrun.errors import WriteError
from hpcrun.sandbox import linux, namespace
from hpcrun.sandbox.namespace import IdMaps

_UNFINISHED = ".unfinished-"
_KEPT = re.compile(r"[a-z]+(-[a-z0-9.]+)?-[0-9a-f]{16}")
_KEPT_IMAGE = re.compile(r"[a-z0-9-]+-[0-9a-f]{16}\.(sif|[0-9]+)")

SCRATCH = "hpcrun-images."
"""Begins the names of folders for temporary files of builds of images; the process comes next."""


def recipe_key(*parts: object) -> str:
    """Short name for everything that a result depends on."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def keep(cache: Path, name: str, maps: IdMaps, build: Callable[[Path], None]) -> Path:
    """Return the folder of that name in the cache, built now if it is not there yet."""
    finished = cache / name
    if finished.is_dir():
        return finished
    cache.mkdir(parents=True, exist_ok=True)
    # Made by root it holds set-user-ID programs of root's, which age; nobody else shall run them.
    cache.chmod(0o700)
    remove_unfinished(cache, maps)
    new = cache / f"{_UNFINISHED}{name}"
    try:
        build(new)
        # After a loss of power too there is nothing, or all of it.
        os.sync()
        os.rename(new, finished)  # noqa: PTH104 - the name says that it is one step
    finally:
        remove_unfinished(cache, maps)
    return finished


def scratch(new: Path) -> Path:
    """Return the folder for temporary files of what builds `new`, which goes with the build."""
    return new.with_name(f"{new.name}.tmp")


def empty(cache: Path, maps: IdMaps) -> None:
    """Remove everything that was ever kept here."""
    remove_unfinished(cache, maps)
    for kept in cache.glob("*-*"):
        if _KEPT.fullmatch(kept.name):
            remove_tree(kept, maps)
    _remove_images(cache / "images", maps)
    for left in find_scratch():
        remove_tree(left, maps)


def find_scratch() -> tuple[Path, ...]:
    """Find the caller's folders for temporary files of builds of images that were killed."""
    found = Path(tempfile.gettempdir()).glob(f"{SCRATCH}*")
    return tuple(
        each
        for each in found
        if each.lstat().st_uid == os.geteuid()
        and not Path("/proc", each.name.removeprefix(SCRATCH).partition(".")[0]).exists()
    )


def _remove_images(folder: Path, maps: IdMaps) -> None:
    """Remove what recipes of images keep here or, when killed, leave here; and nothing else."""
    for image in folder.glob("*-*.*"):
        if not _KEPT_IMAGE.fullmatch(image.name):
            continue
        if image.is_dir() and not image.is_symlink():
            remove_tree(image, maps)
        else:
            image.unlink()
    with suppress(OSError):
        folder.rmdir()


def remove_unfinished(cache: Path, maps: IdMaps) -> None:
    """Remove what a build that was killed has left."""
    for left in cache.glob(f"{_UNFINISHED}*"):
        remove_tree(left, maps)


def remove_tree(folder: Path, maps: IdMaps) -> None:
    """Remove a folder whose files may belong to ids that exist only inside."""
    if not os.path.lexists(folder):
        return
    mounted = mounts_below(folder.resolve(), Path("/proc/self/mountinfo").read_text())
    if mounted:
        raise WriteError(
            f"`{folder}` stays, as something else is mounted in it at `{mounted[0]}`",
            help=[f"umount {mounted[0]}"],
        )
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        # Somebody else removes the same folder; what is left of it is looked at anew.
        remove_tree(folder, maps)
    except PermissionError:
        code = namespace.run(maps, linux.CLONE_NEWNS, lambda: shutil.rmtree(folder))
        if code != 0:
            raise WriteError(
                f"cannot remove `{folder}`: some of it belongs to neither you nor your "
                "subordinate ids",
                help=[f"root can remove it: sudo rm -r {folder}"],
            ) from None
    except OSError as error:
        raise WriteError(f"cannot remove `{folder}`: {error}") from error


def mounts_below(folder: Path, mountinfo: str) -> tuple[Path, ...]:
    """Find what is mounted at a folder or below it (proc_pid_mountinfo(5))."""
    places = (line.split(" ")[4] for line in mountinfo.splitlines())
    # Blanks and the like stand there as octal numbers.
    read = (re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), p) for p in places)
    return tuple(place for place in map(Path, read) if place.is_relative_to(folder))
