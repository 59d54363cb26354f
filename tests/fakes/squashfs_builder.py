"""Builds small squashfs 4.0 file systems in memory, sound ones and ones that lie.

A folder is a dict; a file is bytes, or a File with a mode; a link is a Link.
"""

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

MAGIC = 0x73717368
GZIP, LZO, XZ, LZ4, ZSTD = 1, 3, 4, 5, 6
NO_FRAGMENT = 0xFFFFFFFF


@dataclass(frozen=True)
class File:
    """A file with a mode."""

    content: bytes
    mode: int = 0o755


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


Tree: TypeAlias = "bytes | File | Link | Mapping[str, Tree]"


def build_squashfs(
    tree: Mapping[str, Tree],
    *,
    compressor: int = GZIP,
    compress: Callable[[bytes], bytes] = zlib.compress,
    block_size: int = 4096,
    use_fragments: bool = True,
) -> bytes:
    """Return a file system holding the tree."""
    return _Writer(compressor, compress, block_size, use_fragments=use_fragments).write(tree)


def nested(files: Mapping[str, Tree]) -> dict[str, Tree]:
    """Turn paths into nested folders."""
    tree: dict[str, Tree] = {}
    for path, content in files.items():
        *folders, name = path.split("/")
        here: dict[str, Tree] = tree
        for folder in folders:
            nested = here.setdefault(folder, {})
            assert isinstance(nested, dict)
            here = nested
        here[name] = content
    return tree


class _Metadata:
    """A table of metadata blocks of 8 KiB."""

    def __init__(self, compress: Callable[[bytes], bytes]) -> None:
        self.compress = compress
        self.blocks = bytearray()
        self.open = bytearray()

    @property
    def place(self) -> tuple[int, int]:
        return len(self.blocks), len(self.open)

    def append(self, data: bytes) -> tuple[int, int]:
        place = self.place
        self.open += data
        while len(self.open) >= 8192:
            self.flush(8192)
        return place

    def flush(self, size: int | None = None) -> None:
        chunk = bytes(self.open[:size])
        del self.open[:size]
        if not chunk:
            return
        packed = self.compress(chunk)
        if len(packed) < len(chunk):
            self.blocks += struct.pack("<H", len(packed)) + packed
        else:
            self.blocks += struct.pack("<H", 0x8000 | len(chunk)) + chunk


class _Writer:
    def __init__(
        self,
        compressor: int,
        compress: Callable[[bytes], bytes],
        block_size: int,
        *,
        use_fragments: bool,
    ) -> None:
        self.compressor, self.compress, self.block_size = compressor, compress, block_size
        self.use_fragments = use_fragments
        self.data = bytearray(96)
        self.inodes, self.folders = _Metadata(compress), _Metadata(compress)
        self.fragments: list[tuple[int, int]] = []
        self.n_inodes = 0

    def write(self, tree: Mapping[str, Tree]) -> bytes:
        root = self.write_folder(tree)
        self.inodes.flush()
        self.folders.flush()
        out = self.data
        inode_table = len(out)
        out += self.inodes.blocks
        folder_table = len(out)
        out += self.folders.blocks
        fragment_table = self.write_index(
            b"".join(struct.pack("<QII", at, word, 0) for at, word in self.fragments)
        )
        id_table = self.write_index(struct.pack("<I", 0))
        none = 0xFFFFFFFFFFFFFFFF
        out[:96] = struct.pack(
            "<5I6H8Q", MAGIC, self.n_inodes, 0, self.block_size, len(self.fragments),
            self.compressor, self.block_size.bit_length() - 1, 0, 1, 4, 0, root, len(out),
            id_table, none, inode_table, folder_table, fragment_table, none,
        )  # fmt: skip
        return bytes(out)

    def write_index(self, content: bytes) -> int:
        """Write a table and, after it, where each of its blocks starts; return where that is."""
        starts = []
        for at in range(0, len(content), 8192):
            table = _Metadata(self.compress)
            table.append(content[at : at + 8192])
            table.flush()
            starts.append(len(self.data))
            self.data += table.blocks
        index = len(self.data)
        self.data += struct.pack(f"<{len(starts)}Q", *starts)
        return index

    def header(self, kind: int, mode: int) -> bytes:
        self.n_inodes += 1
        return struct.pack("<HHHHII", kind, mode, 0, 0, 0, self.n_inodes)

    def write_node(self, node: Tree) -> tuple[int, int]:
        """Write one inode; return its reference and basic type."""
        if isinstance(node, Link):
            target = node.target.encode()
            body = struct.pack("<II", 1, len(target)) + target
            return self.reference(self.header(3, 0o777) + body), 3
        if isinstance(node, bytes):
            return self.write_file(File(node, 0o644)), 2
        if isinstance(node, File):
            return self.write_file(node), 2
        return self.write_folder(node), 1

    def reference(self, inode: bytes) -> int:
        block, offset = self.inodes.append(inode)
        return block << 16 | offset

    def write_file(self, file: File) -> int:
        size, start = len(file.content), len(self.data)
        n_whole = size // self.block_size
        tail = file.content[n_whole * self.block_size :]
        pieces = [
            file.content[at : at + self.block_size]
            for at in range(0, n_whole * self.block_size, self.block_size)
        ]
        fragment = NO_FRAGMENT
        if tail and not self.use_fragments:
            pieces.append(tail)
        words = [self.write_block(piece) for piece in pieces]
        if tail and self.use_fragments:
            at = len(self.data)
            self.fragments.append((at, self.write_block(tail)))
            fragment = len(self.fragments) - 1
        body = struct.pack("<IIII", start, fragment, 0, size)
        sizes = struct.pack(f"<{len(words)}I", *words)
        return self.reference(self.header(2, file.mode) + body + sizes)

    def write_block(self, content: bytes) -> int:
        if not any(content):
            return 0 if len(content) == self.block_size else self.store(content)
        return self.store(content)

    def store(self, content: bytes) -> int:
        packed = self.compress(content)
        if len(packed) < len(content):
            self.data += packed
            return len(packed)
        self.data += content
        return len(content) | 1 << 24

    def write_folder(self, tree: Mapping[str, Tree]) -> int:
        entries = [(name.encode(), *self.write_node(node)) for name, node in sorted(tree.items())]
        listing = b""
        for name, reference, kind in entries:
            listing += struct.pack("<III", 0, reference >> 16, 1)
            listing += struct.pack("<HhHH", reference & 0xFFFF, 0, kind, len(name) - 1) + name
        block, offset = self.folders.append(listing)
        body = struct.pack("<IIIIHHI", 1, len(listing) + 3, block, 0, 0, offset, NO_FRAGMENT)
        return self.reference(self.header(8, 0o755) + body)
