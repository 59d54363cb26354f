"""Lazy, capped reader of squashfs 4.0; does not unpack anything.

It decompresses only the blocks that a question touches, never beyond the block size that the
superblock declares, and keeps a bounded number of them. Extended attributes are not read.
"""

import struct
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from itertools import accumulate
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from hpcrun.image import squashfs_layout as layout
from hpcrun.image.codecs import decompressor
from hpcrun.image.errors import ImageError
from hpcrun.image.extent import READ_MAX, Extent
from hpcrun.image.tree import Kind, text_of

METADATA_BLOCKS_KEPT = 4096
"""32 MiB: the inodes and folders of about 300 000 files."""
DATA_BLOCKS_KEPT = 24
FRAGMENTS_KEPT = 256
"""Where they lie, not their content."""
FOLDERS_KEPT = 256
LISTING_MAX = 16 << 20
"""Bytes of one folder's listing: about half a million names."""
TARGET_MAX = 4096
"""As Linux (PATH_MAX)."""
BLOCK_SIZES_MAX = 1 << 20
"""Blocks of one file that can be reached: 128 GiB at the usual block size."""
INFLATED_MAX = 16 << 30
"""Ends the reading of an image that is made to cost time; honest ones need a hundredth."""
HEAD_MAX = 4096
"""The first bytes of a block up to here are so quickly decompressed that they are not kept."""

_HEAD = struct.Struct("<HH")
"""How an inode starts: type and mode."""

T = TypeVar("T")


class _Kept(OrderedDict[Hashable, T]):
    """The values used last, up to a number."""

    def __init__(self, n_max: int) -> None:
        super().__init__()
        self._n_max = n_max

    def get_or_make(self, key: Hashable, make: Callable[[], T]) -> T:
        if key in self:
            self.move_to_end(key)
            return self[key]
        value = self[key] = make()
        if len(self) > self._n_max:
            self.popitem(last=False)
        return value


class Squashfs:
    """One squashfs file system."""

    def __init__(self, extent: Extent) -> None:
        self._extent = extent
        self.superblock = layout.Superblock.parse(extent.read_at(0, layout.SUPERBLOCK_SIZE))
        if self.superblock.bytes_used > extent.size:
            raise ImageError(
                f"squashfs needs {self.superblock.bytes_used} bytes, "
                f"but its partition has only {extent.size}"
            )
        self._decompress = decompressor(self.superblock.compressor)
        self._n_inflated = 0
        self._inodes_at, self._inodes = -1, b""
        self._metadata: _Kept[tuple[bytes, int]] = _Kept(METADATA_BLOCKS_KEPT)
        self._data: _Kept[bytes] = _Kept(DATA_BLOCKS_KEPT)
        self._fragments: _Kept[tuple[int, int]] = _Kept(FRAGMENTS_KEPT)
        self._folders: _Kept[Mapping[str, SquashfsNode]] = _Kept(FOLDERS_KEPT)

    @property
    def root(self) -> "SquashfsNode":
        """The root folder."""
        return SquashfsNode(self, self.superblock.root, layout.DIR)

    # Metadata: inodes and listings, in blocks of 8 KiB.

    def read_metadata(self, table: int, block: int, offset: int, length: int) -> bytes:
        """Return `length` bytes that start `offset` bytes into a block of a table."""
        if offset >= layout.METADATA_SIZE:
            raise ImageError(f"squashfs refers to byte {offset} of a metadata block")
        chunks = []
        position = table + block
        while True:
            load = partial(self._load_metadata, position)
            content, position = self._metadata.get_or_make(position, load)
            chunk = content[offset : offset + length]
            chunks.append(chunk)
            length -= len(chunk)
            if not length:
                return b"".join(chunks)
            if len(content) < layout.METADATA_SIZE:
                raise ImageError("squashfs metadata ends early")
            offset = 0

    def _load_metadata(self, position: int) -> tuple[bytes, int]:
        header = self._extent.read_exactly(position, 2, "a squashfs metadata block")
        word = int.from_bytes(header, "little")
        size = word & ~layout.METADATA_UNCOMPRESSED
        if not 0 < size <= layout.METADATA_SIZE:
            raise ImageError(f"squashfs metadata block claims {size} bytes")
        raw = self._extent.read_exactly(position + 2, size, "a squashfs metadata block")
        if not word & layout.METADATA_UNCOMPRESSED:
            raw = self._inflate(raw, layout.METADATA_SIZE)
        if not raw:
            raise ImageError("squashfs metadata block is empty")
        return raw, position + 2 + size

    def _inflate(self, raw: bytes, size_max: int) -> bytes:
        self._count(size_max)
        content = self._decompress(raw, size_max + 1)
        if len(content) > size_max:
            raise ImageError(f"squashfs block inflates beyond {size_max} bytes")
        return content

    def _count(self, n_bytes: int) -> None:
        self._n_inflated += n_bytes
        if self._n_inflated > INFLATED_MAX:
            raise ImageError(f"looking further would decompress more than {INFLATED_MAX >> 30} GiB")

    def inode(self, reference: int, length: int) -> bytes:
        """Return the first bytes of an inode."""
        table = self.superblock.inode_table
        return self.read_metadata(table, reference >> 16, reference & 0xFFFF, length)

    def inode_head(self, reference: int) -> tuple[int, int]:
        """Return an inode's type and mode; neighbours' are asked for one after the other."""
        position, offset = self.superblock.inode_table + (reference >> 16), reference & 0xFFFF
        if position != self._inodes_at:
            load = partial(self._load_metadata, position)
            self._inodes = self._metadata.get_or_make(position, load)[0]
            self._inodes_at = position
        if offset + _HEAD.size <= len(self._inodes):
            return _HEAD.unpack_from(self._inodes, offset)
        return _HEAD.unpack(self.inode(reference, _HEAD.size))

    def folder(self, reference: int, kind: int) -> "Mapping[str, SquashfsNode]":
        """Return the names in a folder."""
        return self._folders.get_or_make(reference, lambda: self._load_folder(reference, kind))

    def _load_folder(self, reference: int, kind: int) -> "Mapping[str, SquashfsNode]":
        inode = layout.parse_dir(kind, self.inode(reference, layout.dir_size(kind)))
        if inode.size > LISTING_MAX:
            raise ImageError(f"squashfs folder claims a listing of {inode.size} bytes")
        if not inode.size:
            return MappingProxyType({})
        table = self.superblock.directory_table
        listing = self.read_metadata(table, inode.block, inode.offset, inode.size)
        return MappingProxyType(
            {
                text_of(name): SquashfsNode(self, place, kind)
                for name, kind, place in layout.parse_listing(listing)
                if name not in (b".", b"..") and b"/" not in name
            }
        )

    # Data: file content, in blocks of `block_size`.

    def block(self, position: int, word: int, limit: int) -> bytes:
        """Return a data block, or at least its first `limit` bytes where that saves work."""
        whole = self.superblock.block_size
        n_bytes = min(whole, 1 << (limit - 1).bit_length())
        key = (position, word, whole if (position, word, whole) in self._data else n_bytes)
        if n_bytes <= HEAD_MAX and key not in self._data:
            return self._load_block(position, word, limit)
        return self._data.get_or_make(key, lambda: self._load_block(position, word, n_bytes))

    def _load_block(self, position: int, word: int, limit: int) -> bytes:
        raw = self._raw_block(position, word)
        if word & layout.DATA_UNCOMPRESSED:
            return raw[:limit]
        if limit < self.superblock.block_size:
            self._count(limit)
            return self._decompress(raw, limit)
        return self._inflate(raw, self.superblock.block_size)

    def _raw_block(self, position: int, word: int) -> bytes:
        size = word & layout.DATA_SIZE_MASK
        if size > self.superblock.block_size:
            raise ImageError(f"squashfs data block claims {size} bytes")
        return self._extent.read_exactly(position, size, "a squashfs data block")

    def fragment(self, index: int) -> bytes:
        """Return the block that holds the tails of several files."""
        if index >= self.superblock.n_fragments:
            raise ImageError(f"squashfs refers to fragment {index}, which it does not have")
        position, word = self._fragments.get_or_make(index, lambda: self._find_fragment(index))
        return self.block(position, word, self.superblock.block_size)

    def _find_fragment(self, index: int) -> tuple[int, int]:
        table, slot = divmod(index, layout.FRAGMENTS_PER_BLOCK)
        pointer = self._extent.read_exactly(
            self.superblock.fragment_table + 8 * table, 8, "the squashfs fragment table"
        )
        entry = self.read_metadata(
            int.from_bytes(pointer, "little"), 0, slot * layout.FRAGMENT.size, layout.FRAGMENT.size
        )
        position, word, _unused = layout.FRAGMENT.unpack(entry)
        return position, word


class _Blocks(NamedTuple):
    """The first blocks of a file: length word and place of each."""

    words: tuple[int, ...]
    starts: tuple[int, ...]


_NO_BLOCKS = _Blocks((), ())


class SquashfsNode:
    """One file, folder or link of a squashfs."""

    __slots__ = ("_blocks", "_file", "_fs", "_reference", "_type", "kind")

    def __init__(self, fs: Squashfs, reference: int, type_: int) -> None:
        self._fs = fs
        self._reference = reference
        self._type = type_
        self._file: layout.FileInode | None = None
        self._blocks = _NO_BLOCKS
        self.kind = _KINDS.get(type_, Kind.OTHER)

    @property
    def key(self) -> Hashable:
        """Identity: the inode's place."""
        return self._reference

    @property
    def size(self) -> int:
        """Length of a file in bytes."""
        return self._inode.size if self.kind is Kind.FILE else 0

    @property
    def is_executable(self) -> bool:
        """Whether anybody may execute it."""
        return bool(self._fs.inode_head(self._reference)[1] & 0o111)

    def entries(self) -> "Mapping[str, SquashfsNode]":
        """Names in a folder; empty for everything else."""
        if self.kind is not Kind.FOLDER:
            return MappingProxyType({})
        return self._fs.folder(self._reference, self._inode_type)

    def target(self) -> str:
        """Where a link points."""
        raw = self._fs.inode(self._reference, layout.LINK_SIZE)
        link = layout.parse_link(raw)
        if self.kind is not Kind.LINK or link.size > TARGET_MAX:
            raise ImageError(f"squashfs link claims a target of {link.size} bytes")
        whole = self._fs.inode(self._reference, link.fixed_size + link.size)
        return text_of(whole[link.fixed_size :])

    def read_at(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes of a file from `offset`; fewer only at the end."""
        if offset < 0 or length < 0 or length > READ_MAX:
            raise ImageError(f"a read of {length} bytes at {offset} is out of range")
        end = min(self.size, offset + length)
        chunks = []
        while offset < end:
            index, skip = divmod(offset, self._fs.superblock.block_size)
            wanted = min(end - offset, self._fs.superblock.block_size - skip)
            chunk = self._content(index, skip + wanted)[skip : skip + wanted]
            if len(chunk) != wanted:
                raise ImageError("squashfs block is shorter than its file")
            chunks.append(chunk)
            offset += wanted
        return b"".join(chunks)

    @property
    def _inode_type(self) -> int:
        """The type in the inode itself; the listing knows only the basic types."""
        type_ = self._fs.inode_head(self._reference)[0]
        if type_ not in (self._type, self._type + layout.BASIC_TYPES):
            raise ImageError(f"squashfs inode is of type {type_}, its folder says {self._type}")
        return type_

    @property
    def _inode(self) -> layout.FileInode:
        if self._file is None:
            type_ = self._inode_type
            raw = self._fs.inode(self._reference, layout.file_size(type_))
            self._file = layout.parse_file(type_, raw)
        return self._file

    def _content(self, index: int, limit: int) -> bytes:
        inode, block_size = self._inode, self._fs.superblock.block_size
        n_blocks, tail = divmod(inode.size, block_size)
        if inode.fragment == layout.NO_FRAGMENT:
            n_blocks += bool(tail)
        elif index == n_blocks:
            return self._fs.fragment(inode.fragment)[inode.fragment_offset :]
        self._load_words(index + 1)
        word, start = self._blocks.words[index], self._blocks.starts[index]
        if not word & layout.DATA_SIZE_MASK:
            # A hole: no block on disk, zeros in the file.
            return bytes(min(block_size, inode.size - index * block_size))
        return self._fs.block(start, word, limit)

    def _load_words(self, n_words: int) -> None:
        """Read the sizes of the file's first blocks, twice as many each time."""
        n_known = len(self._blocks.words)
        if n_words <= n_known:
            return
        if n_words > BLOCK_SIZES_MAX:
            raise ImageError(f"file has more than {BLOCK_SIZES_MAX} blocks")
        inode = self._inode
        n_words = min(-(-inode.size // self._fs.superblock.block_size), max(n_words, 2 * n_known))
        raw = self._fs.inode(self._reference, inode.fixed_size + 4 * n_words)
        words = struct.unpack_from(f"<{n_words}I", raw, inode.fixed_size)
        sizes = (word & layout.DATA_SIZE_MASK for word in words)
        self._blocks = _Blocks(words, tuple(accumulate(sizes, initial=inode.start)))


_KINDS = {layout.DIR: Kind.FOLDER, layout.FILE: Kind.FILE, layout.LINK: Kind.LINK}
