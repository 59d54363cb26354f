"""Parts whose files have owners inside: one for each map, the second copied from the first.

Root has two maps, with `--cgroup` and without it. Parts are shown inside read-only, so one made
for the one is as good as ever when it is copied for the other. Does not know any recipe.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hpcrun.errors import WriteError
from hpcrun.sandbox import cache, linux, namespace, reach
from hpcrun.sandbox.identity import Identity
from hpcrun.sandbox.namespace import IdMaps

# Numbers, as names are those of the machine; and rights that files have by capabilities.
_TAR = ("tar", "--numeric-owner", "--xattrs", "--xattrs-include=*")


def part_name(kind: str, recipe: tuple[object, ...], identity: Identity) -> str:
    """Name a part after everything that it depends on, who owns its files too."""
    return f"{kind}-{cache.recipe_key(*recipe, identity.key)}"


def keep(
    folder: Path,
    kind: str,
    recipe: tuple[object, ...],
    identity: Identity,
    build: Callable[[Path], None],
) -> Path:
    """Return a part from the cache: found, copied from that of the caller's other map, or built."""
    make, other = build, identity.other
    if other is not None:
        made = folder / part_name(kind, recipe, other)
        if made.is_dir():
            make = partial(copy_tree, made, old=other.maps, new=identity.maps)
    return cache.keep(folder, part_name(kind, recipe, identity), identity.maps, make)


def copy_tree(source: Path, target: Path, *, old: IdMaps, new: IdMaps) -> None:
    """Copy a folder so that who owns a file in the one map owns its copy in the other.

    Each end of a pipe is in a namespace with one of the maps, so the kernel translates.
    """
    target.mkdir()
    new.give(target)
    reading, writing = os.pipe()

    def pack() -> None:
        os.dup2(writing, 1)
        _run_tar(source, "--create", "--file=-", ".")

    def unpack() -> None:
        os.dup2(reading, 0)
        _run_tar(target, "--extract", "--preserve-permissions", "--same-owner", "--file=-")

    def prepare() -> None:
        # Else the one end would not be told that the other has gone.
        os.close(reading)
        reach.show([source])

    packer, _ = namespace.start(old, linux.CLONE_NEWNS, pack, prepare=prepare)
    os.close(writing)
    show = partial(reach.show, [target])
    try:
        unpacked = namespace.run(new, linux.CLONE_NEWNS, unpack, prepare=show)
    finally:
        os.close(reading)
        packed = namespace.wait(packer)
    if packed or unpacked:
        raise WriteError(
            f"cannot copy `{source}` for other owners: tar says why above",
            help=["make room, or set HPCRUN_SANDBOX_DIR to a folder on another disk"],
        )


def _run_tar(folder: Path, *arguments: str) -> None:
    os.chdir(folder)
    os.execvp(_TAR[0], (*_TAR, *arguments))  # noqa: S606
