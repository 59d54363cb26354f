"""Show folders to a root inside who could not go where they lie; keeps nothing outside unchanged.

Root's sandbox has the rights of an unused id, and root's folders are often closed to others: the
home folder, the cache. An ordinary user needs none of this, as root inside rules over the user's.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from hpcrun.sandbox import linux


def show(places: Iterable[Path], *, read_only: Iterable[Path] = ()) -> None:
    """Make each place reachable for everybody, at its own path, in a mount namespace of its own.

    A closed folder on the way is covered by an empty one that shows nothing but the places. What
    is read-only stays so for the root of a user namespace made later (mount_namespaces(7)).
    """
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    kept = set(read_only)
    # Opened before anything is covered. Parents come first.
    opened = {place: os.open(place, os.O_PATH) for place in sorted({*places, *kept})}
    for place, descriptor in opened.items():
        source = f"/proc/self/fd/{descriptor}"
        closed = find_closed_parent(place)
        if closed is not None:
            linux.mount("way", closed, kind="tmpfs", options="mode=755")
        if not place.exists():
            place.mkdir(mode=0o755, parents=True)
            linux.bind(source, place, is_recursive=True)
        if place in kept:
            linux.bind_read_only(place, place)
        os.close(descriptor)


def find_closed_parent(place: Path) -> Path | None:
    """Return the first folder on the way to a place that not everybody may pass."""
    for folder in reversed(place.parents):
        try:
            if not folder.stat().st_mode & stat.S_IXOTH:
                return folder
        except FileNotFoundError:
            break  # It lies in a folder that is covered already.
    return None
