"""The files of an OCI layout or docker archive by name, in a folder or a tar; reads no JSON."""

import os
import posixpath
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from hpcrun.image.errors import ImageError
from hpcrun.image.extent import Extent, open_extent
from hpcrun.image.layer_stream import PlainStream, compression_of
from hpcrun.image.read_json import JSON_MAX
from hpcrun.image.tar import Type, read_members
from hpcrun.image.tree import text_of

MEMBERS_MAX = 20_000
DOCUMENTS_MAX = 16 << 20
"""Of all manifests and configurations; those of an image for ten platforms are below 1 MiB."""
_LINKS_MAX = 8


class Blobs(Protocol):
    """Files by their name below the layout's root."""

    def find(self, name: str) -> Extent | None:
        """Return a file; None where there is none."""

    def identity(self) -> bytes:
        """Return what changes when a file is replaced, without reading any."""


class Documents:
    """Reads the small files of one layout, up to a sum: parsed, they take 25 times that."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._n_bytes = 0

    def find(self, name: str) -> Extent | None:
        """Return a file; None where there is none."""
        return self._blobs.find(name)

    def read(self, name: str) -> bytes:
        """Return a small file's content."""
        file = self.find(name)
        if file is None:
            raise ImageError(f"the image lacks its part `{name[:100]}`", help=["fetch it again"])
        if file.size > JSON_MAX:
            raise ImageError(f"`{name[:100]}` is larger than {JSON_MAX >> 20} MiB")
        self._n_bytes += file.size
        if self._n_bytes > DOCUMENTS_MAX:
            raise ImageError(f"the layout's documents are larger than {DOCUMENTS_MAX >> 20} MiB")
        return file.read_at(0, file.size)


class FolderBlobs:
    """The files of a folder; links are not followed, so nothing outside it is read."""

    def __init__(self, folder: Path, open_files: ExitStack) -> None:
        self._folder = folder
        self._open_files = open_files
        self._found: dict[str, Extent | None] = {}

    def find(self, name: str) -> Extent | None:
        """Return a file; None where there is none."""
        if name not in self._found:
            path = self._folder / name
            is_there = path.is_relative_to(self._folder) and ".." not in path.parts
            is_there = is_there and _is_plain_below(path, self._folder)
            self._found[name] = (
                self._open_files.enter_context(open_extent(path)) if is_there else None
            )
        return self._found[name]

    def identity(self) -> bytes:
        """Return what changes when a file is replaced, without reading any."""
        return b"".join(
            f"{name}\0{'' if file is None else file.identity}\n".encode()
            for name, file in sorted(self._found.items())
        )


def _is_plain_below(path: Path, folder: Path) -> bool:
    """Whether a regular file is reached without a link, from the folder down."""
    try:
        for parent in path.parents:
            if parent == folder:
                return stat.S_ISREG(os.lstat(path).st_mode)
            if not stat.S_ISDIR(os.lstat(parent).st_mode):
                return False
    except (OSError, ValueError):
        return False
    return False


class TarBlobs:
    """The files of a tar archive, where they lie in it."""

    def __init__(self, file: Extent) -> None:
        if (compression := compression_of(file)) != "none":
            raise ImageError(
                f"`{file.name}` is packed with {compression}",
                help=["unpack it first (`gunzip`, `unzstd` …), or convert it to a SIF"],
            )
        self._file = file
        self._found: dict[str, Extent] = {}
        self._links: dict[str, str] = {}
        self._index(PlainStream(file))

    def _index(self, stream: PlainStream) -> None:
        for number, member in enumerate(read_members(stream)):
            if number >= MEMBERS_MAX:
                raise ImageError(f"the archive holds more than {MEMBERS_MAX} files")
            name = posixpath.normpath(text_of(member.name)).lstrip("/")
            if member.type is Type.FILE and not member.is_sparse:
                self._found[name] = self._file.part(stream.position, member.size)
            elif member.type is Type.LINK:
                # `docker save` before 25 stores a layer that occurs twice so.
                target = posixpath.join(posixpath.dirname(name), text_of(member.target))
                self._links[name] = posixpath.normpath(target)
            elif member.type is Type.HARD_LINK:
                self._links[name] = posixpath.normpath(text_of(member.target)).lstrip("/")

    def find(self, name: str) -> Extent | None:
        """Return a file; None where there is none."""
        name = posixpath.normpath(name)
        for _ in range(_LINKS_MAX):
            if name in self._found:
                return self._found[name]
            name = self._links.get(name, "")
        return None

    def identity(self) -> bytes:
        """Return what changes when a file is replaced, without reading any."""
        return self._file.identity.encode()
