"""Opens an image of any kind: what it is from the outside, and the tree inside; reads no programs.

The tree can be walked only while the image is open.
"""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hpcrun.errors import NotPermittedError
from hpcrun.image.container import (
    file_system_name,
    read_sif_container,
    squashfs_date,
    squashfs_facts,
)
from hpcrun.image.errors import ForbiddenError, ImageError, UnsupportedError
from hpcrun.image.extent import Extent, open_extent
from hpcrun.image.folder import FolderNode
from hpcrun.image.layer_stream import compression_of
from hpcrun.image.layout_digest import sif_digest, squashfs_digest
from hpcrun.image.open_oci import is_layout, open_archive, open_layout
from hpcrun.image.opened import OpenedImage, Outside
from hpcrun.image.recall import recalled_digest
from hpcrun.image.sif import DataType, FileSystem, Sif, is_sif, read_sif
from hpcrun.image.squashfs import Squashfs
from hpcrun.image.squashfs_layout import MAGIC
from hpcrun.model.container import ContainerFacts
from hpcrun.model.memory import Memory

_SQUASHFS = MAGIC.to_bytes(4, "little")
_UNREADABLE = {
    "ext3": (
        "an ext3 file system",
        "`apptainer build new.sif OLD.sif` makes one with squashfs (image author)",
    ),
    "archive": ("an archive", "build the image again with a current Apptainer (image author)"),
    "raw": ("raw data", "build the image again with a current Apptainer (image author)"),
    "encrypted-squashfs": (
        "an encrypted file system",
        "ask for an image that is not encrypted; hpcrun asks for no keys",
    ),
    "gocryptfs": (
        "an encrypted file system (gocryptfs)",
        "ask for an image that is not encrypted; hpcrun asks for no keys",
    ),
}


@contextmanager
def open_image(
    path: Path,
    *,
    arch: str | None = None,
    full_digest: bool = False,
    memory: Memory | None = None,
) -> Iterator[OpenedImage]:
    """Open an image of any kind that hpcrun reads.

    Args:
        arch: which variant of a multi-architecture image, as `uname -m` says.
        full_digest: hash the whole file (0.6 s per 300 MB) and not just what tells it from others.
        memory: where the hash of a whole file may be remembered.
    """
    try:
        is_folder = path.is_dir()
    except PermissionError as exc:
        raise NotPermittedError(f"cannot read `{path}`: permission denied") from exc
    with ExitStack() as opened:
        if is_folder and is_layout(path):
            yield opened.enter_context(open_layout(path, arch=arch))
        elif is_folder:
            yield _open_folder(path)
        else:
            file = opened.enter_context(open_extent(path))
            image = opened.enter_context(_open_file(file, arch))
            digest = recalled_digest(file, memory) if full_digest else image.outside.digest
            yield image._replace(outside=image.outside._replace(digest=digest))


def _open_folder(path: Path) -> OpenedImage:
    status = path.stat()
    identity = f"{path.absolute()}\0{status.st_dev}\0{status.st_ino}\0{status.st_mtime_ns}"
    hashed = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()
    digest = f"folder:{hashed}"
    outside = Outside("folder", 0, status.st_mtime_ns, digest, digest, ContainerFacts)
    root = FolderNode(path.resolve())
    try:
        root.entries()
    except ForbiddenError as exc:
        raise NotPermittedError(f"cannot read `{path}`: permission denied") from exc
    return OpenedImage(outside, root)


@contextmanager
def _open_file(file: Extent, arch: str | None) -> Iterator[OpenedImage]:
    head = file.read_at(0, 512)
    if is_sif(head):
        yield _open_sif(file)
    elif head.startswith(_SQUASHFS):
        yield _open_squashfs(file)
    elif head[257:262] == b"ustar" or compression_of(file) != "none":
        with open_archive(file, arch=arch) as image:
            yield image
    else:
        raise ImageError(
            f"`{file.name}` is not an image that hpcrun knows",
            help=["name a SIF or squashfs file, an unpacked image, an OCI layout or an archive"],
        )


def _open_squashfs(file: Extent) -> OpenedImage:
    squashfs, why = _squashfs_of(file)
    block = squashfs.superblock if squashfs else None
    digest = squashfs_digest(file, block)

    def describe() -> ContainerFacts:
        return _squashfs_container(ContainerFacts(), squashfs)

    outside = Outside("squashfs", file.size, file.mtime_ns, digest, digest, describe)
    return OpenedImage(outside, squashfs.root if squashfs else None, why, identity=b"")


def _open_sif(file: Extent) -> OpenedImage:
    sif = read_sif(file)
    squashfs, why = _sif_file_system(file, sif)
    digest = sif_digest(file, sif, squashfs.superblock if squashfs else None)

    def describe() -> ContainerFacts:
        return _squashfs_container(read_sif_container(file, sif), squashfs)

    outside = Outside("sif", file.size, file.mtime_ns, digest, digest, describe)
    return OpenedImage(outside, squashfs.root if squashfs else None, why, identity=b"")


def _sif_file_system(file: Extent, sif: Sif) -> tuple[Squashfs | None, str]:
    partition = sif.primary
    if partition is None:
        if sif.of(DataType.OCI_ROOT_INDEX):
            return None, (
                "the image has no primary system partition but layers of an OCI image "
                "(SingularityCE's OCI-SIF), which Apptainer cannot run; pull it with Apptainer"
            )
        return None, "the image has no primary system partition"
    if partition.file_system != FileSystem.SQUASHFS:
        name = file_system_name(partition)
        held, cure = _UNREADABLE.get(name, (f"file system {name}", "build the image again"))
        reason = f"the primary partition holds {held}, which cannot be read without mounting it"
        return None, f"{reason}; {cure}"
    return _squashfs_of(file.part(partition.offset, partition.size))


def _squashfs_of(part: Extent) -> tuple[Squashfs | None, str]:
    try:
        return Squashfs(part), ""
    except UnsupportedError as exc:
        return None, "; ".join((exc.message, *exc.help))


def _squashfs_container(facts: ContainerFacts, squashfs: Squashfs | None) -> ContainerFacts:
    if squashfs is None:
        return facts
    dates = (*facts.dates, *squashfs_date(squashfs))
    return facts.model_copy(update={"file_system": squashfs_facts(squashfs), "dates": dates})
