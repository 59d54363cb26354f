"""A layer's tar as a stream: plain, gzip or zstd; each bounded in what it gives and keeps.

Does not know what a tar is. What comes out of a compressed layer is checked against its digest.
"""

import hashlib
import zlib
from collections.abc import Callable
from typing import IO, cast

from hpcrun.image.errors import ImageError, UnsupportedError
from hpcrun.image.extent import Extent

CHUNK = 1 << 18
INFLATED_MAX = 64 << 30
"""Ends the reading of a layer that is made to cost time."""
RATIO_MAX = 250
RATIO_FREE = 1 << 30
"""Up to here a layer may inflate by any ratio; gzip can do 1:1032, real layers hardly 1:20."""
ZSTD_WINDOW_MAX = 128 << 20
"""As `zstd --long` has it; containers' own tools stay at 8 MiB."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
_OTHERS = {b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


def compression_of(layer: Extent) -> str:
    """Name a layer's compression by its first bytes; media types may lie."""
    head = layer.read_at(0, 8)
    if head.startswith(_GZIP):
        return "gzip"
    if head.startswith(_ZSTD) or head[1:4] == _ZSTD_SKIPPABLE:
        return "zstd"
    return next((name for magic, name in _OTHERS.items() if head.startswith(magic)), "none")


def open_layer(layer: Extent, *, sha256: str | None) -> "PlainStream | InflatedStream":
    """Open a layer; a compressed one is checked at its end against the digest of its bytes."""
    compression = compression_of(layer)
    if compression == "none":
        return PlainStream(layer)
    source = _Source(layer, sha256)
    if compression == "gzip":
        return InflatedStream(_gunzip(source), source)
    if compression == "zstd":
        return InflatedStream(_unzstd(source), source)
    raise UnsupportedError(
        f"a layer with {compression} compression: there is no decoder for it",
        help=["build the image with gzip or zstd layers (image author)"],
    )


class PlainStream:
    """A layer that is not compressed; its files can be read where they lie."""

    def __init__(self, layer: Extent) -> None:
        self.layer = layer
        self.position = 0
        self._buffer, self._start = b"", 0

    def read(self, length: int) -> bytes:
        """Return the next bytes; fewer than asked for only at the end."""
        at = self.position - self._start
        if at < 0 or at + length > len(self._buffer):
            self._start, at = self.position, 0
            # Headers of small files lie close together: one read serves several of them.
            self._buffer = self.layer.read_at(self.position, max(length, 4096))
        data = self._buffer[at : at + length]
        self.position += len(data)
        return data

    def skip(self, length: int) -> None:
        """Pass over bytes; beyond the end there are none."""
        self.position += length
        if self.position > self.layer.size:
            raise ImageError(f"`{self.layer.name}`: tar is cut off")

    def finish(self) -> None:
        """Nothing is checked: the bytes between the headers were not read."""


class _Source:
    """The compressed bytes, hashed as they are read."""

    def __init__(self, layer: Extent, sha256: str | None) -> None:
        self._layer = layer
        self._sha256 = sha256
        self._digest = hashlib.sha256()
        self.position = 0

    def read(self, length: int = CHUNK) -> bytes:
        data = self._layer.read_at(self.position, min(max(length, 0), CHUNK))
        self.position += len(data)
        self._digest.update(data)
        return data

    @property
    def is_at_end(self) -> bool:
        return self.position >= self._layer.size

    def check(self) -> None:
        while self.read():
            pass
        if self._sha256 is not None and self._digest.hexdigest() != self._sha256:
            raise ImageError(f"layer sha256:{self._sha256[:12]} is damaged: its digest differs")


class InflatedStream:
    """A layer that is decompressed on the way."""

    def __init__(self, inflate: Callable[[], bytes], source: _Source) -> None:
        self._inflate = inflate
        self._source = source
        self._buffer, self._at = b"", 0
        self._n_inflated = 0
        self.position = 0

    def read(self, length: int) -> bytes:
        """Return the next bytes; fewer than asked for only at the end."""
        data = self._buffer[self._at : self._at + length]
        self._at += len(data)
        if len(data) < length:
            chunks = [data]
            missing = length - len(data)
            while missing and self._fill():
                chunk = self._buffer[:missing]
                self._at = len(chunk)
                missing -= len(chunk)
                chunks.append(chunk)
            data = b"".join(chunks)
        self.position += len(data)
        return data

    def skip(self, length: int) -> None:
        """Pass over bytes; beyond the end there are none."""
        missing = length
        while missing:
            step = min(missing, len(self._buffer) - self._at)
            self._at += step
            missing -= step
            if missing and not self._fill():
                raise ImageError("a layer's tar is cut off")
        self.position += length

    def finish(self) -> None:
        """Check the digest of the whole layer."""
        self._source.check()

    def _fill(self) -> bool:
        self._buffer, self._at = self._inflate(), 0
        self._n_inflated += len(self._buffer)
        allowed = max(RATIO_FREE, RATIO_MAX * self._source.position)
        if self._n_inflated > min(INFLATED_MAX, allowed):
            raise ImageError("a layer inflates beyond all bounds")
        return bool(self._buffer)


def _gunzip(source: _Source) -> Callable[[], bytes]:
    decoder = zlib.decompressobj(wbits=31)
    pending = b""

    def inflate() -> bytes:
        nonlocal decoder, pending
        while True:
            pending = pending or source.read()
            if decoder.eof:
                # Members may follow each other; zeros after the last one are padding.
                pending = pending.lstrip(b"\0")
                if pending:
                    decoder = zlib.decompressobj(wbits=31)
                elif source.is_at_end:
                    return b""
                else:
                    continue
            data = _decompress(decoder, pending)
            if not (data or pending or decoder.eof):
                raise ImageError("a layer's gzip data is cut off")
            pending = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
            if data:
                return data

    return inflate


def _decompress(decoder: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return decoder.decompress(data, CHUNK)
    except zlib.error as exc:
        raise ImageError(f"damaged gzip layer: {exc}") from exc


def _unzstd(source: _Source) -> Callable[[], bytes]:
    try:
        import zstandard
    except ImportError as exc:
        raise UnsupportedError(
            "a layer with zstd compression: the Python package `zstandard` is not installed",
            help=["install hpcrun with its extra `image`"],
        ) from exc
    decoder = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_MAX)
    reader = decoder.stream_reader(
        cast("IO[bytes]", source), read_size=CHUNK, read_across_frames=True
    )

    def inflate() -> bytes:
        try:
            return reader.read(CHUNK)
        except (zstandard.ZstdError, MemoryError) as exc:
            raise ImageError(f"damaged zstd layer: {exc}") from exc

    return inflate
