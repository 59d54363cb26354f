"""Decompressors of squashfs blocks, each with a bound on what it gives; does not know the layout.

Each decompressor returns at most `limit` bytes, so a block that would inflate without end costs
no more than its declared size, and the head of a block can be had without the rest.
"""

import lzma
import zlib
from collections.abc import Callable

from hpcrun.image.errors import ImageError, UnsupportedError

Decompress = Callable[[bytes, int], bytes]
"""Compressed block, limit in bytes -> content, cut at the limit."""

NAMES = {1: "gzip", 2: "lzma", 3: "lzo", 4: "xz", 5: "lz4", 6: "zstd"}
"""Compressor ids of the superblock (squashfs-tools 4.6, squashfs_fs.h)."""

_XZ_MEMORY_MAX = 96 << 20
"""A decoder for the largest block (1 MiB dictionary) needs about 3 MiB."""
_ZSTD_WINDOW_MAX = 8 << 20


def decompressor(compressor: int) -> Decompress:
    """Return the decompressor for a superblock's compressor id."""
    name = NAMES.get(compressor)
    if name is None:
        raise ImageError(f"squashfs names an unknown compressor, number {compressor}")
    if name == "gzip":
        return _inflate_zlib
    if name == "xz":
        return _inflate_xz
    if name == "zstd":
        return _zstd()
    if name == "lz4":
        return _lz4()
    raise UnsupportedError(
        f"squashfs with {name} compression: there is no decoder for it",
        help=["`apptainer build` or `mksquashfs … -comp zstd` packs it anew (image author)"],
    )


def _inflate_zlib(data: bytes, limit: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, limit)
    except zlib.error as exc:
        raise ImageError(f"damaged gzip block: {exc}") from exc


def _inflate_xz(data: bytes, limit: int) -> bytes:
    decoder = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_MAX)
    try:
        return decoder.decompress(data, limit)
    except (lzma.LZMAError, MemoryError) as exc:
        raise ImageError(f"damaged xz block: {exc}") from exc


def _zstd() -> Decompress:
    try:
        import zstandard
    except ImportError as exc:
        raise UnsupportedError(
            "squashfs with zstd compression: the Python package `zstandard` is not installed",
            help=["install hpcrun with its extra `image`"],
        ) from exc

    def inflate(data: bytes, limit: int) -> bytes:
        decoder = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_MAX)
        try:
            with decoder.stream_reader(data) as reader:
                return reader.read(limit)
        except (zstandard.ZstdError, MemoryError) as exc:
            raise ImageError(f"damaged zstd block: {exc}") from exc

    return inflate


def _lz4() -> Decompress:
    try:
        import lz4.block
    except ImportError as exc:
        raise UnsupportedError(
            "squashfs with lz4 compression: the Python package `lz4` is not installed",
            help=["install hpcrun with its extra `image`"],
        ) from exc

    def inflate(data: bytes, limit: int) -> bytes:
        # A raw lz4 block has no way to stop early: decode it up to the largest block there is.
        try:
            content: bytes = lz4.block.decompress(
                data, uncompressed_size=max(limit, _LZ4_BLOCK_MAX)
            )
        except (lz4.block.LZ4BlockError, ValueError, OverflowError, MemoryError) as exc:
            raise ImageError(f"damaged lz4 block: {exc}") from exc
        return content[:limit]

    return inflate


_LZ4_BLOCK_MAX = (1 << 20) + 1
