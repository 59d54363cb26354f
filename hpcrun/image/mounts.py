"""A file tree with folders of the host mounted into it; does not touch what is below them."""

import posixpath
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from hpcrun.image.errors import ImageError
from hpcrun.image.folder import FolderNode
from hpcrun.image.tree import Kind, Node


class Mount(NamedTuple):
    """A file or folder of the host, and where the container shows it."""

    container: PurePosixPath
    host: Path


class Surroundings(NamedTuple):
    """What a job adds to an image."""

    workdir: PurePosixPath | None = None
    """Where relative paths start, inside the container."""
    mounts: tuple[Mount, ...] = ()

    def host_path(self, path: PurePosixPath) -> Path | None:
        """Return the host's file that a path inside the container shows; None for the image's."""
        holding = [mount for mount in self.mounts if path.is_relative_to(mount.container)]
        if not holding:
            return None
        mount = max(holding, key=lambda each: len(each.container.parts))
        return mount.host / path.relative_to(mount.container)


@dataclass
class _MountedNode:
    """A folder with further nodes mounted below it."""

    base: Node | None
    """What lies there without the mounts."""
    mounted: dict[str, "_MountedNode"] = field(default_factory=dict)
    kind: Kind = Kind.FOLDER

    @property
    def key(self) -> Hashable:
        return self.base.key if self.base is not None else id(self)

    @property
    def size(self) -> int:
        return 0

    @property
    def is_executable(self) -> bool:
        return True

    def entries(self) -> Mapping[str, Node]:
        below = dict(self.base.entries()) if self.base is not None else {}
        for name, node in self.mounted.items():
            node.base = node.base or below.get(name)
            below[name] = node if node.mounted or node.base is None else node.base
        return below

    def target(self) -> str:
        raise ImageError("a mounted folder is no link")

    def read_at(self, offset: int, length: int) -> bytes:
        raise ImageError(f"a folder cannot be read (at {offset}, {length} bytes)")


def with_mounts(root: Node, mounts: Sequence[Mount]) -> Node:
    """Return the tree that a container shows: the image's with the host's folders in it."""
    top = _MountedNode(root)
    for mount in sorted(mounts, key=lambda each: len(each.container.parts)):
        try:
            node = FolderNode(mount.host.resolve())
        except (ImageError, OSError, RuntimeError):
            # Not there, or a link that leads into itself: the image's own files are seen then.
            continue
        here = top
        parts = PurePosixPath(posixpath.normpath(mount.container)).parts[1:]
        for part in parts:
            here = here.mounted.setdefault(part, _MountedNode(None))
        if parts:
            here.base = node
    return top if top.mounted else root
