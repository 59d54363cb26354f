"""The Singularity Image Format: header, descriptors, primary partition; does not read file systems.

Layout from apptainer/sif e306d8b (pkg/sif/sif.go, descriptor.go), checked on images built by
Apptainer 1.4.5: little endian, packed.
"""

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
_PARTITION_PRIMARY = 2
_GROUP_MASK = 0xF0000000


class DataType(IntEnum):
    """What a descriptor stands for."""

    DEFINITION = 0x4001
    ENVIRONMENT = 0x4002
    LABELS = 0x4003
    PARTITION = 0x4004
    SIGNATURE = 0x4005
    GENERIC_JSON = 0x4006
    GENERIC = 0x4007
    CRYPTO_MESSAGE = 0x4008
    SBOM = 0x4009
    OCI_ROOT_INDEX = 0x400A
    OCI_BLOB = 0x400B


class FileSystem(IntEnum):
    """What a partition holds (fstype)."""

    SQUASHFS = 1
    EXT3 = 2
    ARCHIVE = 3
    RAW = 4
    ENCRYPTED_SQUASHFS = 5
    GOCRYPTFS = 6


class Descriptor(NamedTuple):
    """One used entry of the descriptor table; numbers are as the file has them."""

    kind: int
    id: int
    group: int | None
    linked: str
    """What it belongs to: `object 3`, `group 1`, or nothing."""
    offset: int
    size: int
    created_s: int
    modified_s: int
    name: bytes
    extra: bytes


class Partition(NamedTuple):
    """A partition of a SIF."""

    offset: int
    size: int
    file_system: int
    role: int
    arch_code: str

    @property
    def is_primary(self) -> bool:
        """Whether a container starts from it."""
        return self.role == _PARTITION_PRIMARY


class Sif(NamedTuple):
    """What a SIF says of itself."""

    arch_code: str
    """Two digits; `00` is unknown (tables/architectures.yaml, sif_code)."""
    created_s: int
    modified_s: int
    descriptors: tuple[Descriptor, ...]
    head: bytes
    """Header and descriptor table, as they lie in the file."""

    @property
    def primary(self) -> Partition | None:
        """The partition that a container starts from."""
        found = (partition_of(each) for each in self.of(DataType.PARTITION))
        return next((part for part in found if part.is_primary), None)

    def of(self, kind: DataType) -> tuple[Descriptor, ...]:
        """Return the descriptors of one kind."""
        return tuple(each for each in self.descriptors if each.kind == kind)


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
        created_s=fields[5],
        modified_s=fields[6],
        descriptors=tuple(_descriptors(file, table)),
        head=header + table,
    )


def _descriptors(file: Extent, table: bytes) -> list[Descriptor]:
    found = []
    for start in range(0, len(table) - DESCRIPTOR_SIZE + 1, DESCRIPTOR_SIZE):
        f = _DESCRIPTOR.unpack_from(table, start)
        if not f[1]:
            continue
        offset, size = f[5], f[6]
        if offset < 0 or size < 0 or offset + size > file.size:
            what = "file system" if f[0] == DataType.PARTITION else f"object {f[2]}"
            raise ImageError(
                f"`{file.name}`: its {what} ends at byte {offset + size}, "
                f"but the file has only {file.size} bytes",
                help=["copy or pull the image again: it is cut off"],
            )
        found.append(
            Descriptor(
                kind=f[0],
                id=f[2],
                group=f[3] & ~_GROUP_MASK or None,
                linked=_linked(f[4]),
                offset=offset,
                size=size,
                created_s=f[8],
                modified_s=f[9],
                name=f[12].split(b"\0")[0],
                extra=f[13],
            )
        )
    return found


def _linked(link: int) -> str:
    if not link:
        return ""
    is_group = link & _GROUP_MASK == _GROUP_MASK
    return f"group {link & ~_GROUP_MASK}" if is_group else f"object {link}"


def partition_of(descriptor: Descriptor) -> Partition:
    """Return a partition's descriptor as such."""
    file_system, role, arch = _PARTITION.unpack_from(descriptor.extra)
    return Partition(descriptor.offset, descriptor.size, file_system, role, _text(arch))


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("ascii", "replace")
