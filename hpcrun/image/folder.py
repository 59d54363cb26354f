"""A plain folder as a file tree; does not follow links by itself, so nothing outside is reached.

Devices, sockets and pipes are never opened.
"""

import os
import stat
from collections.abc import Hashable, Mapping
from pathlib import Path
from types import MappingProxyType

from hpcrun.image.errors import ForbiddenError, ImageError
from hpcrun.image.extent import READ_MAX
from hpcrun.image.tree import Kind, text_of


class FolderNode:
    """One file, folder or link below a folder of this machine."""

    __slots__ = ("_path", "_status", "kind")

    def __init__(self, path: Path | str, *, kind: Kind | None = None) -> None:
        # A plain string: unpacked images have hundreds of thousands of files.
        self._path = str(path)
        self._status: os.stat_result | None = None
        self.kind = kind or _kind_of(self._stat().st_mode)

    @property
    def key(self) -> Hashable:
        """Identity: device and inode number."""
        status = self._stat()
        return (status.st_dev, status.st_ino)

    @property
    def size(self) -> int:
        """Length of a file in bytes."""
        return self._stat().st_size if self.kind is Kind.FILE else 0

    @property
    def is_executable(self) -> bool:
        """Whether anybody may execute it."""
        return bool(self._stat().st_mode & 0o111)

    def entries(self) -> "Mapping[str, FolderNode]":
        """Names in a folder; empty for everything else."""
        if self.kind is not Kind.FOLDER:
            return MappingProxyType({})
        try:
            with os.scandir(self._path) as found:
                return {
                    text_of(os.fsencode(entry.name)): FolderNode(entry.path, kind=_kind(entry))
                    for entry in found
                }
        except PermissionError as exc:
            raise ForbiddenError(f"this user may not list `{self._path}`") from exc
        except OSError as exc:
            raise ImageError(f"cannot list `{self._path}`: {exc.strerror}") from exc

    def target(self) -> str:
        """Where a link points."""
        try:
            return text_of(os.fsencode(Path(self._path).readlink()))
        except OSError as exc:
            raise ImageError(f"cannot read link `{self._path}`: {exc.strerror}") from exc

    def read_at(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes of a file from `offset`; fewer only at the end."""
        if offset < 0 or length < 0 or length > READ_MAX:
            raise ImageError(f"a read of {length} bytes at {offset} is out of range")
        if self.kind is not Kind.FILE:
            raise ImageError(f"`{self._path}` is not a regular file")
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(self._path, flags)
            try:
                return os.pread(descriptor, length, offset)
            finally:
                os.close(descriptor)
        except PermissionError as exc:
            raise ForbiddenError(f"this user may not read `{self._path}`") from exc
        except (OSError, OverflowError) as exc:
            raise ImageError(f"cannot read `{self._path}`: {exc}") from exc

    def _stat(self) -> os.stat_result:
        if self._status is None:
            try:
                self._status = os.lstat(self._path)
            except OSError as exc:
                raise ImageError(f"cannot read `{self._path}`: {exc.strerror}") from exc
        return self._status


def _kind(entry: "os.DirEntry[str]") -> Kind:
    if entry.is_symlink():
        return Kind.LINK
    if entry.is_dir(follow_symlinks=False):
        return Kind.FOLDER
    return Kind.FILE if entry.is_file(follow_symlinks=False) else Kind.OTHER


def _kind_of(mode: int) -> Kind:
    if stat.S_ISLNK(mode):
        return Kind.LINK
    if stat.S_ISDIR(mode):
        return Kind.FOLDER
    return Kind.FILE if stat.S_ISREG(mode) else Kind.OTHER
