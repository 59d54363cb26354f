"""glibc's cache of libraries, /etc/ld.so.cache: it, and not ld.so.conf, decides at run time.

Layout: glibc's sysdeps/generic/dl-cache.h, both the format since 2.2 and the older one in front of
it, as `ldconfig -C` of 2.28 to 2.41 write them. Every size and count is capped.
"""

import struct
from collections.abc import Mapping
from typing import NamedTuple

from hpcrun.image.errors import ImageError
from hpcrun.image.tree import Node, resolve_file, text_of

CACHE_FILE = "/etc/ld.so.cache"
_SIZE_MAX = 8 << 20
_ENTRIES_MAX = 60_000
_STRING_MAX = 4096
_OLD_MAGIC, _MAGIC = b"ld.so-1.7.0", b"glibc-ld.so.cache1.1"
_OLD_HEADER, _OLD_ENTRY = 16, 12
_HEADER, _ENTRY_SIZE = 48, 24
_ALIGNMENT = 8
_BIG_ENDIAN = 3


class CacheEntry(NamedTuple):
    """One library of the cache."""

    path: str
    is_for_some: bool
    """Whether it counts only on processors with certain abilities (glibc-hwcaps)."""


Cache = Mapping[str, tuple[CacheEntry, ...]]
"""Libraries by soname, in the order in which the loader prefers them."""


def read_ld_cache(root: Node) -> Cache | None:
    """Read the cache of a tree; None where there is none."""
    found = resolve_file(root, CACHE_FILE)
    if found is None:
        return None
    if found.node.size > _SIZE_MAX:
        raise ImageError(f"{CACHE_FILE} has {found.node.size} bytes")
    return _parse(found.node.read_at(0, _SIZE_MAX))


def _parse(data: bytes) -> Cache:
    start = _start_of_new_format(data)
    if data[start : start + len(_MAGIC)] != _MAGIC or len(data) < start + _HEADER:
        raise ImageError(f"{CACHE_FILE} has an unknown format")
    order = ">" if data[start + 28] == _BIG_ENDIAN else "<"
    (count,) = struct.unpack_from(f"{order}I", data, start + 20)
    table = data[start + _HEADER : start + _HEADER + count * _ENTRY_SIZE]
    if count > _ENTRIES_MAX or len(table) != count * _ENTRY_SIZE:
        raise ImageError(f"{CACHE_FILE} claims {count} libraries")
    libraries: dict[str, list[CacheEntry]] = {}
    for _flags, key, value, _os, abilities in struct.iter_unpack(f"{order}iIIIQ", table):
        name = _string(data, start + key)
        entry = CacheEntry(_string(data, start + value), abilities != 0)
        libraries.setdefault(name, []).append(entry)
    return {name: tuple(entries) for name, entries in libraries.items()}


def _start_of_new_format(data: bytes) -> int:
    if not data.startswith(_OLD_MAGIC) or len(data) < _OLD_HEADER:
        return 0
    # The old table has the byte order of the machine; the one that fits the file is taken.
    counts = (struct.unpack_from(f"{order}I", data, 12)[0] for order in "<>")
    ends = (_OLD_HEADER + count * _OLD_ENTRY for count in counts)
    starts = (end + -end % _ALIGNMENT for end in ends)
    return next((at for at in starts if data[at : at + len(_MAGIC)] == _MAGIC), 0)


def _string(data: bytes, at: int) -> str:
    end = data.find(b"\0", at, at + _STRING_MAX)
    if end < 0:
        raise ImageError(f"{CACHE_FILE} has a text without an end")
    return text_of(data[at:end])
