"""Opens an image of any kind: what it is from the outside, and the tree inside; reads no programs.

The tree can be walked only while the image is open.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hpcrun.errors import NotPermittedError
from hpcrun.image.errors import ForbiddenError, UnsupportedError
from hpcrun.image.extent import Extent, open_extent
from hpcrun.image.folder import FolderNode
from hpcrun.image.sif import FileSystem, Partition, Sif, read_sif
from hpcrun.image.squashfs import Squashfs
from hpcrun.image.tree import Node
from hpcrun.model.base import UNKNOWN, Unknown
from hpcrun.tables import architectures

_CHUNK = 1 << 20
_UNREADABLE = {
    FileSystem.EXT3: "an ext3 file system",
    FileSystem.ARCHIVE: "an archive",
    FileSystem.RAW: "raw data",
    FileSystem.ENCRYPTED_SQUASHFS: "an encrypted file system",
    FileSystem.GOCRYPTFS: "an encrypted file system (gocryptfs)",
}


class Outside(NamedTuple):
    """What an image is from the outside; the fields are named as those of ImageFacts."""

    kind: str
    size_bytes: int
    mtime_ns: int
    digest: str
    declared_arch: str | Unknown


class OpenedImage(NamedTuple):
    """An open image."""

    outside: Outside
    root: Node | None
    """The root folder inside; None where it cannot be read."""
    unread: str = ""
    """Why there is no root."""


@contextmanager
def open_image(path: Path, *, full_digest: bool = False) -> Iterator[OpenedImage]:
    """Open a SIF or an unpacked image.

    Args:
        full_digest: hash the whole file (0.6 s per 300 MB) and not just header and descriptors.
    """
    try:
        is_folder = path.is_dir()
    except PermissionError as exc:
        raise NotPermittedError(f"cannot read `{path}`: permission denied") from exc
    if is_folder:
        yield _open_folder(path)
        return
    with open_extent(path) as file:
        yield _open_sif(file, full_digest=full_digest)


def _open_folder(path: Path) -> OpenedImage:
    status = path.stat()
    identity = f"{path.absolute()}\0{status.st_dev}\0{status.st_ino}\0{status.st_mtime_ns}"
    outside = Outside(
        kind="folder",
        size_bytes=0,
        mtime_ns=status.st_mtime_ns,
        digest="folder:" + hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest(),
        declared_arch=UNKNOWN,
    )
    root = FolderNode(path.resolve())
    try:
        root.entries()
    except ForbiddenError as exc:
        raise NotPermittedError(f"cannot read `{path}`: permission denied") from exc
    return OpenedImage(outside, root)


def _open_sif(file: Extent, *, full_digest: bool) -> OpenedImage:
    sif = read_sif(file)
    partition = sif.primary
    outside = Outside(
        kind="sif",
        size_bytes=file.size,
        mtime_ns=file.mtime_ns,
        digest=_whole_digest(file) if full_digest else sif.digest,
        declared_arch=_declared_arch(sif),
    )
    if partition is None:
        return OpenedImage(outside, None, "the image has no primary system partition")
    if partition.file_system != FileSystem.SQUASHFS:
        names = {int(fs): name for fs, name in _UNREADABLE.items()}
        held = names.get(partition.file_system, f"file system type {partition.file_system}")
        reason = f"the primary partition holds {held}, which cannot be read without mounting it"
        return OpenedImage(outside, None, reason)
    try:
        root = Squashfs(file.part(partition.offset, partition.size)).root
    except UnsupportedError as exc:
        return OpenedImage(outside, None, "; ".join((exc.message, *exc.help)))
    return OpenedImage(outside, root)


def _declared_arch(sif: Sif) -> str | Unknown:
    """Name the architecture of the primary partition, else of the header."""
    parts: Sequence[Partition] = (sif.primary,) if sif.primary else ()
    codes = (*(part.arch_code for part in parts), sif.arch_code)
    rows = (architectures().by_sif_code(code) for code in codes)
    return next((row.uname for row in rows if row is not None), UNKNOWN)


def _whole_digest(file: Extent) -> str:
    digest = hashlib.sha256()
    for offset in range(0, file.size, _CHUNK):
        digest.update(file.read_at(offset, _CHUNK))
    return "sha256:" + digest.hexdigest()
