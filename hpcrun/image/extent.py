"""Bounded reads of bytes at offsets; does not know any format."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from hpcrun.errors import MissingInputError, NotPermittedError
from hpcrun.image.errors import ImageError

READ_MAX = 64 << 20
"""No single read is larger; nothing in an image that hpcrun looks at is."""


class Bytes(Protocol):
    """Something of known size whose bytes can be read at an offset."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset`; fewer only at the end."""


class Extent:
    """A part of an open file; every read stays inside it."""

    def __init__(self, descriptor: int, start: int, size: int, *, name: str) -> None:
        self._descriptor = descriptor
        self._start = start
        self.size = size
        self.name = name

    @property
    def mtime_ns(self) -> int:
        """When the whole file was last changed."""
        return os.fstat(self._descriptor).st_mtime_ns

    @property
    def changed_ns(self) -> int:
        """When anything about the whole file was last changed."""
        return os.fstat(self._descriptor).st_ctime_ns

    @property
    def identity(self) -> str:
        """What changes when the file is replaced or written to: no user can set a ctime."""
        status = os.fstat(self._descriptor)
        times = f"{status.st_mtime_ns}:{status.st_ctime_ns}"
        return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{times}"

    def read_at(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset`; fewer only at the end."""
        if offset < 0 or length < 0 or length > READ_MAX:
            raise ImageError(f"`{self.name}`: a read of {length} bytes at {offset} is out of range")
        length = min(length, max(0, self.size - offset))
        chunks = []
        while length:
            chunk = os.pread(self._descriptor, length, self._start + offset)
            if not chunk:
                break
            chunks.append(chunk)
            offset, length = offset + len(chunk), length - len(chunk)
        return b"".join(chunks)

    def read_exactly(self, offset: int, length: int, what: str) -> bytes:
        """Return `length` bytes from `offset`, or say that `what` is cut off."""
        data = self.read_at(offset, length)
        if len(data) != length:
            raise ImageError(f"`{self.name}`: {what} at byte {offset} is cut off")
        return data

    def part(self, offset: int, size: int) -> "Extent":
        """Return a smaller extent inside this one."""
        if offset < 0 or size < 0 or offset + size > self.size:
            raise ImageError(
                f"`{self.name}`: a part of {size} bytes at {offset} lies outside its {self.size}"
            )
        return Extent(self._descriptor, self._start + offset, size, name=self.name)


@contextmanager
def open_extent(path: Path) -> Iterator[Extent]:
    """Open a whole file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as exc:
        raise MissingInputError(f"no image at `{path}`") from exc
    except PermissionError as exc:
        raise NotPermittedError(f"cannot read `{path}`: permission denied") from exc
    except OSError as exc:
        raise ImageError(f"cannot read `{path}`: {exc.strerror}") from exc
    try:
        yield Extent(descriptor, 0, os.fstat(descriptor).st_size, name=path.name)
    finally:
        os.close(descriptor)
