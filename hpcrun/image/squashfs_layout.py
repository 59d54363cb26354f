"""The structures of squashfs 4.0 as they lie on disk; does not follow them.

Source: squashfs-tools 4.6 squashfs_fs.h and Linux 6.1 fs/squashfs; little endian, packed.
"""

import struct
from typing import NamedTuple

from hpcrun.image.errors import ImageError, UnsupportedError

MAGIC = 0x73717368
METADATA_SIZE = 8192
METADATA_UNCOMPRESSED = 0x8000
DATA_UNCOMPRESSED = 1 << 24
DATA_SIZE_MASK = DATA_UNCOMPRESSED - 1
NO_FRAGMENT = 0xFFFFFFFF
FRAGMENT = struct.Struct("<QII")
FRAGMENTS_PER_BLOCK = METADATA_SIZE // FRAGMENT.size

DIR, FILE, LINK = 1, 2, 3
BASIC_TYPES = 7
"""Inode types 8 to 14 are the extended forms of 1 to 7."""

_SUPERBLOCK = struct.Struct("<5I6H8Q")
_BLOCK_SIZES = {1 << log: log for log in range(12, 21)}


class Superblock(NamedTuple):
    """The first 96 bytes."""

    n_inodes: int
    made_s: int
    """When it was made: seconds since 1970."""
    block_size: int
    n_fragments: int
    compressor: int
    root: int
    bytes_used: int
    inode_table: int
    directory_table: int
    fragment_table: int
    tables_at: int
    """Where the first of all tables starts; mksquashfs puts them behind the content."""

    @classmethod
    def parse(cls, data: bytes) -> "Superblock":
        """Read and check the superblock."""
        if len(data) < _SUPERBLOCK.size:
            raise ImageError("squashfs superblock is cut off")
        f = _SUPERBLOCK.unpack_from(data)
        if f[0] != MAGIC:
            raise ImageError("the partition holds no squashfs (magic number differs)")
        if f[9] != 4 or f[10] != 0:  # noqa: PLR2004
            raise UnsupportedError(f"squashfs version {f[9]}.{f[10]}: only 4.0 is read")
        if _BLOCK_SIZES.get(f[3]) != f[6]:
            raise ImageError(f"squashfs claims a block size of {f[3]} bytes (log {f[6]})")
        return cls(
            n_inodes=f[1], made_s=f[2], block_size=f[3], n_fragments=f[4], compressor=f[5],
            root=f[11], bytes_used=f[12], inode_table=f[15], directory_table=f[16],
            fragment_table=f[17], tables_at=min(f[13:]),
        )  # fmt: skip


SUPERBLOCK_SIZE = _SUPERBLOCK.size
INODE_HEADER = struct.Struct("<HHHHII")


class DirInode(NamedTuple):
    """Where a directory's listing lies in the directory table."""

    block: int
    offset: int
    size: int


class FileInode(NamedTuple):
    """Where a regular file's content lies; the block sizes follow the fixed part."""

    start: int
    size: int
    fragment: int
    fragment_offset: int
    fixed_size: int


class LinkInode(NamedTuple):
    """How long a link's target is; it follows the fixed part."""

    size: int
    fixed_size: int


_DIR = struct.Struct("<IIHHI")
_DIR_EXTENDED = struct.Struct("<IIIIHHI")
_FILE = struct.Struct("<IIII")
_FILE_EXTENDED = struct.Struct("<QQQIIII")
_LINK = struct.Struct("<II")


LINK_SIZE = INODE_HEADER.size + _LINK.size


def dir_size(kind: int) -> int:
    """Return the length of a directory inode's fixed part."""
    return INODE_HEADER.size + (_DIR if kind == DIR else _DIR_EXTENDED).size


def file_size(kind: int) -> int:
    """Return the length of a file inode's fixed part."""
    return INODE_HEADER.size + (_FILE if kind == FILE else _FILE_EXTENDED).size


def parse_dir(kind: int, data: bytes) -> DirInode:
    """Read the fixed part of a directory inode."""
    if kind == DIR:
        block, _links, size, offset, _parent = _DIR.unpack_from(data, INODE_HEADER.size)
    else:
        _links, size, block, _parent, _n, offset, _x = _DIR_EXTENDED.unpack_from(
            data, INODE_HEADER.size
        )
    # The size counts 3 bytes for `.` and `..`, which are not stored.
    return DirInode(block, offset, max(0, size - 3))


def parse_file(kind: int, data: bytes) -> FileInode:
    """Read the fixed part of a file inode."""
    if kind == FILE:
        start, fragment, offset, size = _FILE.unpack_from(data, INODE_HEADER.size)
        return FileInode(start, size, fragment, offset, INODE_HEADER.size + _FILE.size)
    start, size, _sparse, _links, fragment, offset, _x = _FILE_EXTENDED.unpack_from(
        data, INODE_HEADER.size
    )
    return FileInode(start, size, fragment, offset, INODE_HEADER.size + _FILE_EXTENDED.size)


def parse_link(data: bytes) -> LinkInode:
    """Read the fixed part of a symlink inode."""
    _links, size = _LINK.unpack_from(data, INODE_HEADER.size)
    return LinkInode(size, INODE_HEADER.size + _LINK.size)


ListedEntry = tuple[bytes, int, int]
"""Name, kind, and place of the inode: block in the inode table << 16 | offset in the block. A plain
tuple, because an image has hundreds of thousands."""

_LISTING_HEADER = struct.Struct("<III")
_LISTING_ENTRY = struct.Struct("<HhHH")
_ENTRY_SIZE = _LISTING_ENTRY.size
_RUN_MAX = 256
NAME_MAX = 256


def parse_listing(data: bytes) -> list[ListedEntry]:
    """Read a directory's listing."""
    entries: list[ListedEntry] = []
    position = 0
    unpack, end = _LISTING_ENTRY.unpack_from, len(data)
    try:
        while position < end:
            count, block, _number = _LISTING_HEADER.unpack_from(data, position)
            position += _LISTING_HEADER.size
            if count >= _RUN_MAX:
                raise ImageError(f"squashfs directory claims a run of {count + 1} entries")
            for _ in range(count + 1):
                offset, _delta, kind, length = unpack(data, position)
                start = position + _ENTRY_SIZE
                position = start + length + 1
                if position > end or length >= NAME_MAX:
                    raise ImageError("squashfs directory is cut off or holds an endless name")
                entries.append((data[start:position], kind, block << 16 | offset))
    except struct.error as exc:
        raise ImageError("squashfs directory is cut off") from exc
    return entries
