"""Bytes as an open file, so that readers can be tried on them without a file system."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from hpcrun.image.extent import Extent


@contextmanager
def opened(content: bytes, *, name: str = "image.sif") -> Iterator[Extent]:
    """Offer bytes as an extent."""
    descriptor = os.memfd_create(name)
    try:
        os.write(descriptor, content)
        yield Extent(descriptor, 0, len(content), name=name)
    finally:
        os.close(descriptor)


class CountingBytes:
    """Bytes that count how many of them were read."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)
        self.n_read = 0

    def read_at(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset`."""
        data = self.content[offset : offset + length] if length > 0 else b""
        self.n_read += len(data)
        return data
