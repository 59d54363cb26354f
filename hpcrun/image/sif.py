"""The Singularity Image Format: header, descriptors, primary partition; does not read file systems.

Layout from apptainer/sif e306d8b (pkg/sif/sif.go, descriptor.go), checked on images built by
Apptainer 1.4.5: little endian, packed.
"""

import hashlib
import struct
from enum import IntEnum
from typing import NamedTuple

from hpcrun.image.errors import ImageError
from hpcrun.image.extent import Extent

HEADER_SIZE = 128
MAGIC = b"SIF_MAGIC\0"
MAGIC_OFFSET = 32
VERSIONS = (b"01\0",)
DESCRIPTOR_SIZE = 585
DESCRIPTORS_MAX = 4096
"""Apptainer makes room for 48; a table this long is no image."""

_HEADER = struct.Struct("<32s10s3s3s16sqqqqqqqq")
_DESCRIPTOR = struct.Struct("<iBIIIqqqqqqq128s384s")
_PARTITION = struct.Struct("<ii3s")
_TYPE_PARTITION = 0x4004
_PARTITION_PRIMARY = 2


class FileSystem(IntEnum):
    """What a partition holds (fstype)."""

    SQUASHFS = 1
    EXT3 = 2
    ARCHIVE = 3
    RAW = 4
    ENCRYPTED_SQUASHFS = 5
    GOCRYPTFS = 6


class Partition(NamedTuple):
    """A partition of a SIF."""

    offset: int
    size: int
    file_system: int
    is_primary: bool
    arch_code: str


class Sif(NamedTuple):
    """What a SIF says of itself."""

    arch_code: str
    """Two digits; `00` is unknown (tables/architectures.yaml, sif_code)."""
    partitions: tuple[Partition, ...]
    digest: str
    """`sif:` and the SHA-256 of header and descriptor table."""

    @property
    def primary(self) -> Partition | None:
        """The partition that a container starts from."""
        return next((part for part in self.partitions if part.is_primary), None)


def is_sif(head: bytes) -> bool:
    """Whether a file that starts with these bytes is a SIF."""
    return head[MAGIC_OFFSET : MAGIC_OFFSET + len(MAGIC)] == MAGIC


def read_sif(file: Extent) -> Sif:
    """Read header and descriptors."""
    if not is_sif(file.read_at(0, HEADER_SIZE)):
        raise ImageError(
            f"`{file.name}` is not a SIF image",
            help=["name a SIF file or an unpacked image's folder"],
        )
    header = file.read_exactly(0, HEADER_SIZE, "the SIF header")
    fields = _HEADER.unpack(header)
    version, arch = fields[2], fields[3]
    total, descriptors_at, descriptors_size = fields[8], fields[9], fields[10]
    if version not in VERSIONS:
        raise ImageError(f"`{file.name}`: SIF version {version!r} is not known")
    if not 0 <= total <= DESCRIPTORS_MAX:
        raise ImageError(f"`{file.name}`: SIF header claims {total} descriptors")
    if not total * DESCRIPTOR_SIZE <= descriptors_size <= DESCRIPTORS_MAX * DESCRIPTOR_SIZE:
        raise ImageError(
            f"`{file.name}`: SIF header claims {descriptors_size} bytes for {total} descriptors"
        )
    if descriptors_at < HEADER_SIZE:
        raise ImageError(f"`{file.name}`: SIF descriptors overlap the header")
    table = file.read_exactly(descriptors_at, descriptors_size, "the SIF descriptor table")
    return Sif(
        arch_code=_text(arch),
        partitions=tuple(_partitions(file, table)),
        digest="sif:" + hashlib.sha256(header + table).hexdigest(),
    )


def _partitions(file: Extent, table: bytes) -> list[Partition]:
    found = []
    for start in range(0, len(table) - DESCRIPTOR_SIZE + 1, DESCRIPTOR_SIZE):
        fields = _DESCRIPTOR.unpack_from(table, start)
        kind, is_used, offset, size, extra = fields[0], fields[1], fields[5], fields[6], fields[13]
        if not is_used or kind != _TYPE_PARTITION:
            continue
        file_system, part_type, arch = _PARTITION.unpack_from(extra)
        if offset < 0 or size < 0 or offset + size > file.size:
            raise ImageError(
                f"`{file.name}`: its file system ends at byte {offset + size}, "
                f"but the file has only {file.size} bytes",
                help=["copy or pull the image again: it is cut off"],
            )
        is_primary = part_type == _PARTITION_PRIMARY
        found.append(Partition(offset, size, file_system, is_primary, _text(arch)))
    return found


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("ascii", "replace")
