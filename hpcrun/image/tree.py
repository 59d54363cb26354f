"""A file tree that is read and never run: what all readers offer, and looking up paths in it.

Links are followed inside the tree only: an absolute target starts at the tree's root and `..` stops
there, as in a chroot. Does not know where the tree lies.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from enum import StrEnum
from pathlib import PurePosixPath
from typing import NamedTuple, Protocol

from hpcrun.image.errors import ImageError
from hpcrun.image.problems import Problems

LINKS_MAX = 40
"""As Linux (MAXSYMLINKS)."""
PARTS_MAX = 512
"""Path components walked for one look-up, links included."""


class Kind(StrEnum):
    """What a node of the tree is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


class Node(Protocol):
    """One file, folder or link of a tree."""

    kind: Kind

    @property
    def key(self) -> Hashable:
        """Identity: two names of the same file have the same key."""

    @property
    def size(self) -> int:
        """Length of a file in bytes."""

    @property
    def is_executable(self) -> bool:
        """Whether anybody may execute it."""

    def entries(self) -> Mapping[str, "Node"]:
        """Names in a folder; empty for everything else."""

    def target(self) -> str:
        """Where a link points."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes of a file from `offset`; fewer only at the end."""


class Found(NamedTuple):
    """A node with its real path: no link is left in it."""

    path: PurePosixPath
    node: Node


class Entry(NamedTuple):
    """A file or link that a walk met. Most are passed over, so its path is made when asked for."""

    folder: PurePosixPath
    name: str
    node: Node

    @property
    def path(self) -> PurePosixPath:
        """Its real path."""
        return self.folder / self.name


ROOT = PurePosixPath("/")


def resolve(root: Node, path: str | PurePosixPath, *, start: Found | None = None) -> Found | None:
    """Look a path up, following links inside the tree; None where it leads nowhere.

    A relative path starts at `start`, which must be a folder, or at the root.
    """
    text = str(path)
    trail = [Found(ROOT, root)]
    if start is not None and not text.startswith("/"):
        trail = _trail_to(root, start.path)
    pending = _parts(text)
    n_links = 0
    for _ in range(PARTS_MAX):
        if not pending:
            return trail[-1]
        part = pending.pop()
        if part == "..":
            del trail[max(1, len(trail) - 1) :]
            continue
        here = trail[-1]
        node = here.node.entries().get(part)
        if node is None:
            return None
        if node.kind is Kind.LINK:
            n_links += 1
            if n_links > LINKS_MAX:
                return None
            pending += _parts(_follow(node, trail))
        else:
            trail.append(Found(here.path / part, node))
    raise ImageError(f"`{text[:80]}` has more than {PARTS_MAX} components")


def _parts(path: str) -> list[str]:
    """Split a path into its components, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def _follow(link: Node, trail: list[Found]) -> str:
    """Return a link's target; where it is absolute, go back to the root."""
    target = link.target()
    if target.startswith("/"):
        del trail[1:]
    return target


def _trail_to(root: Node, folder: PurePosixPath) -> list[Found]:
    trail = [Found(ROOT, root)]
    for part in folder.parts[1:]:
        node = trail[-1].node.entries().get(part)
        if node is None or node.kind is not Kind.FOLDER:
            raise ImageError(f"`{folder}` is not a folder of the tree")
        trail.append(Found(trail[-1].path / part, node))
    return trail


def resolve_file(root: Node, path: str | PurePosixPath) -> Found | None:
    """Look a regular file up; None where there is none."""
    found = resolve(root, path)
    return found if found is not None and found.node.kind is Kind.FILE else None


def text_of(raw: bytes) -> str:
    """Decode a name that a stranger chose; bytes that are not UTF-8 are spelled out."""
    return raw.decode("utf-8", "backslashreplace")


def read_text(node: Node, *, limit: int) -> str:
    """Return the first `limit` bytes of a file as text; undecodable bytes become U+FFFD."""
    return node.read_at(0, limit).decode("utf-8", "replace")


def walk(
    start: Found,
    *,
    depth_max: int,
    entries_max: int,
    skip: Callable[[PurePosixPath], bool],
    problems: Problems,
) -> Iterator[Entry]:
    """Yield all files and links below a folder, folders in name order, each folder once.

    What cannot be read, or lies beyond a bound, is told to `problems` and left out.
    """
    pending = [(start, 0)]
    seen: set[Hashable] = {start.node.key}
    n_entries = 0
    while pending:
        folder, depth = pending.pop()
        entries = _list(folder, problems)
        n_entries += len(entries)
        if n_entries > entries_max:
            problems.add(f"more than {entries_max} files below {start.path}: the rest is not read")
            return
        deeper = []
        for name in sorted(entries):
            node = entries[name]
            if node.kind is not Kind.FOLDER:
                yield Entry(folder.path, name, node)
            elif node.key not in seen and not skip(folder.path / name):
                seen.add(node.key)
                deeper.append((Found(folder.path / name, node), depth + 1))
        if depth < depth_max:
            pending.extend(reversed(deeper))
        elif deeper:
            problems.add(f"folders more than {depth_max} deep below {start.path} are not read")


def _list(folder: Found, problems: Problems) -> Mapping[str, Node]:
    try:
        return folder.node.entries()
    except ImageError as exc:
        problems.tell(folder.path, exc)
        return {}
