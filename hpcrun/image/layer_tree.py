"""The tree that layers make when each is laid over the one before; unpacks nothing.

As Apptainer's unpacker (umoci) does it: whiteouts hide what lower layers brought, an opaque folder
all of it, and links on the way to a member are followed inside the tree. One pass over each layer
notes every name; of files that a question may be about, the content is kept (spool.py).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

from hpcrun.image.errors import ImageError
from hpcrun.image.extent import READ_MAX
from hpcrun.image.layer_stream import PlainStream
from hpcrun.image.spool import Spool
from hpcrun.image.tar import Member, Stream, Type, read_members
from hpcrun.image.tree import LINKS_MAX, Kind, text_of

ENTRIES_MAX = 600_000
DEPTH_MAX = 128
"""Folders on the way to a member, after links are followed."""
TEXT_KEPT = 256 << 10
"""Bytes kept of a file that is no program: scripts and settings are shorter."""

_HEAD = 4
_ELF = b"\x7fELF"
_HIDES = ".wh."
_OPAQUE = ".wh..wh..opq"
_STEPS_MAX = 512


class Content(Protocol):
    """Where a file's bytes can be read."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset`."""


class LayerNode:
    """One file, folder or link of the merged tree."""

    __slots__ = (
        "_content", "_kept", "_start", "children", "is_executable", "kind", "layer", "size", "to",
    )  # fmt: skip

    def __init__(self, kind: Kind, layer: int) -> None:
        self.kind = kind
        self.layer = layer
        """The last layer that named it; a whiteout of a later one hides it."""
        self.size = 0
        self.is_executable = kind is Kind.FOLDER
        self.children: dict[str, LayerNode] | None = {} if kind is Kind.FOLDER else None
        self.to = ""
        self._content: Content | None = None
        self._start = self._kept = 0

    @property
    def key(self) -> int:
        """Identity: hard links are the same object."""
        return id(self)

    def entries(self) -> "Mapping[str, LayerNode]":
        """Names in a folder; empty for everything else."""
        return MappingProxyType(self.children or {})

    def target(self) -> str:
        """Where a link points."""
        return self.to

    def hold(self, content: Content, start: int, kept: int) -> None:
        """Note where the content lies, and how much of it."""
        self._content, self._start, self._kept = content, start, kept

    def read_at(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes of a file from `offset`; fewer only at the end."""
        if offset < 0 or not 0 <= length <= READ_MAX:
            raise ImageError(f"a read of {length} bytes at {offset} is out of range")
        if self.kind is not Kind.FILE:
            raise ImageError("not a regular file")
        length = min(length, max(0, self.size - offset))
        if not length:
            return b""
        if self._content is None or offset + length > self._kept:
            raise ImageError("this part of the file was not kept when its layer was read")
        data = self._content.read_at(self._start + offset, length)
        if len(data) != length:
            raise ImageError("a layer is shorter than its files")
        return data


class LayerTree:
    """The merged tree, built layer by layer, the lowest first."""

    def __init__(self, spool: Spool) -> None:
        self.root = LayerNode(Kind.FOLDER, 0)
        self._spool = spool
        self._layer = 0
        self._n_entries = 0
        self._parent: tuple[bytes, LayerNode] | None = None
        """The folder met last: most members follow their siblings."""

    def lay(self, stream: Stream) -> None:
        """Lay one more layer over the tree."""
        self._layer += 1
        self._parent = None
        for member in read_members(stream):
            self._n_entries += 1
            if self._n_entries > ENTRIES_MAX:
                raise ImageError(f"the layers hold more than {ENTRIES_MAX} files")
            self._put(member, stream)

    def _put(self, member: Member, stream: Stream) -> None:
        folder_path, _, raw = member.name.rstrip(b"/").rpartition(b"/")
        if raw in (b"", b".", b".."):
            return
        name = text_of(raw)
        if name.startswith(_HIDES):
            self._hide(folder_path, name)
            return
        parent = self._folder(folder_path)
        existing = (parent.children or {}).get(name)
        if member.type is Type.FOLDER and existing and existing.kind is Kind.FOLDER:
            existing.layer = self._layer
            return
        node = self._node(member, stream)
        if node is None:
            return
        if existing is not None or node.kind is Kind.LINK:
            self._parent = None
        assert parent.children is not None  # noqa: S101 - a folder has them
        parent.children[name] = node

    def _node(self, member: Member, stream: Stream) -> LayerNode | None:
        if member.type is Type.HARD_LINK:
            folder_path, _, raw = member.target.rstrip(b"/").rpartition(b"/")
            linked = (self._folder(folder_path).children or {}).get(text_of(raw))
            # A second name for a folder would make a tree without an end.
            return linked if linked is not None and linked.kind is not Kind.FOLDER else None
        node = LayerNode(_KINDS[member.type], self._layer)
        if member.type is Type.LINK:
            node.to = text_of(member.target)
        elif member.type is Type.FILE:
            node.size = member.size
            node.is_executable = bool(member.mode & 0o111)
            if not member.is_sparse:
                self._keep(node, stream)
        return node

    def _keep(self, node: LayerNode, stream: Stream) -> None:
        """Keep what may be asked for: programs whole, of other files the first part."""
        if isinstance(stream, PlainStream):
            node.hold(stream.layer, stream.position, node.size)
            return
        head = stream.read(min(node.size, _HEAD))
        kept = node.size if head == _ELF else min(node.size, TEXT_KEPT)
        if not self._spool.has_room(kept):
            return
        start = self._spool.size
        self._spool.append(head)
        missing = kept - len(head)
        while missing > 0:
            chunk = stream.read(min(missing, 1 << 18))
            if not chunk:
                raise ImageError("a layer's tar is cut off")
            self._spool.append(chunk)
            missing -= len(chunk)
        node.hold(self._spool, start, kept)

    def _hide(self, folder_path: bytes, name: str) -> None:
        """Carry out a whiteout: only what lower layers brought goes away."""
        self._parent = None
        parent = self._folder(folder_path)
        if parent.children is None:
            return
        if name == _OPAQUE:
            _drop_older([*parent.children.items()], parent.children, self._layer)
            return
        hidden = name.removeprefix(_HIDES)
        if hidden in parent.children:
            _drop_older([(hidden, parent.children[hidden])], parent.children, self._layer)

    def _folder(self, path: bytes) -> LayerNode:
        """Find a folder, following links inside the tree; make what is missing of it."""
        if self._parent is not None and self._parent[0] == path:
            return self._parent[1]
        trail = [self.root]
        pending = _parts(text_of(path))
        n_links = 0
        for _ in range(_STEPS_MAX):
            if not pending:
                self._parent = (path, trail[-1])
                return trail[-1]
            if n_links > LINKS_MAX or len(trail) > DEPTH_MAX:
                break
            part = pending.pop()
            if part == "..":
                del trail[max(1, len(trail) - 1) :]
                continue
            node = self._step(trail[-1], part)
            if node.kind is not Kind.LINK:
                trail.append(node)
                continue
            n_links += 1
            if node.to.startswith("/"):
                del trail[1:]
            pending += _parts(node.to)
        raise ImageError(f"a layer holds a path that is too deep or a loop: {text_of(path)[:80]}")

    def _step(self, folder: LayerNode, name: str) -> LayerNode:
        children = folder.children
        if children is None:
            raise ImageError(f"a layer puts files below `{name[:80]}`, which is in no folder")
        node = children.get(name)
        if node is None or node.kind in (Kind.FILE, Kind.OTHER):
            self._n_entries += 1
            node = children[name] = LayerNode(Kind.FOLDER, self._layer)
        elif node.kind is Kind.FOLDER:
            node.layer = self._layer
        return node


def _drop_older(
    names: Iterable[tuple[str, LayerNode]], holder: dict[str, LayerNode], layer: int
) -> None:
    """Take away what lower layers brought; folders that this layer named too keep what is new."""
    pending = [(holder, name, node) for name, node in names]
    while pending:
        holder, name, node = pending.pop()
        if node.layer < layer:
            del holder[name]
        elif node.children:
            pending += [(node.children, inner, each) for inner, each in node.children.items()]


def _parts(path: str) -> list[str]:
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


_KINDS = {
    Type.FILE: Kind.FILE,
    Type.FOLDER: Kind.FOLDER,
    Type.LINK: Kind.LINK,
    Type.OTHER: Kind.OTHER,
}
