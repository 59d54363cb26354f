"""Builds SIF images in memory, as Apptainer lays them out; not the file system inside."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HEADER = struct.Struct("<32s10s3s3s16sqqqqqqqq")
DESCRIPTOR = struct.Struct("<iBIIIqqqqqqq128s384s")
PARTITION = struct.Struct("<ii3s")
DESCRIPTORS_AT = 4096
DESCRIPTORS_ROOM = 48
DATA_AT = DESCRIPTORS_AT + DESCRIPTORS_ROOM * DESCRIPTOR.size
AMD64, ARM64 = "02", "04"
SQUASHFS, EXT3, ARCHIVE, RAW, ENCRYPTED, GOCRYPTFS = 1, 2, 3, 4, 5, 6
SYSTEM, PRIMARY, DATA, OVERLAY = 1, 2, 3, 4


class Object(NamedTuple):
    """A further object of a SIF."""

    kind: int
    content: bytes
    link: int = 0
    extra: bytes = b""


def build_sif(
    content: bytes,
    *,
    arch: str = AMD64,
    partition_arch: str | None = None,
    file_system: int = SQUASHFS,
    part_type: int = PRIMARY,
    objects: Sequence[Object] = (),
    content_size: int | None = None,
) -> bytes:
    """Return a SIF with a definition file, one partition and what else is asked for.

    With `content_size` the content is left to be appended.
    """
    content_size = len(content) if content_size is None else content_size
    deffile = b"Bootstrap: localimage\n"
    partition = PARTITION.pack(file_system, part_type, (partition_arch or arch).encode() + b"\0")
    partition_at = DATA_AT + 4096
    descriptors = [
        _descriptor(1, 0x4001, DATA_AT, len(deffile), b""),
        _descriptor(2, 0x4004, partition_at, content_size, partition),
    ]
    tail = b""
    for number, each in enumerate(objects, 3):
        at = partition_at + len(content) + len(tail)
        size = len(each.content)
        descriptors.append(_descriptor(number, each.kind, at, size, each.extra, link=each.link))
        tail += each.content
    table = b"".join(descriptors).ljust(DESCRIPTORS_ROOM * DESCRIPTOR.size, b"\0")
    header = HEADER.pack(
        b"#!/usr/bin/env run-singularity\n", b"SIF_MAGIC\0", b"01\0", arch.encode() + b"\0",
        bytes(range(16)), 1_700_000_000, 1_700_000_000, DESCRIPTORS_ROOM - 2, DESCRIPTORS_ROOM,
        DESCRIPTORS_AT, len(table), DATA_AT, 4096 + len(content),
    )  # fmt: skip
    head = header.ljust(DESCRIPTORS_AT, b"\0") + table
    return head + deffile.ljust(4096, b"\0") + content + tail


def write_sif(path: Path, content: bytes, *, arch: str = AMD64) -> Path:
    """Write a SIF around a squashfs."""
    path.write_bytes(build_sif(content, arch=arch))
    return path


def _descriptor(
    number: int, kind: int, offset: int, size: int, extra: bytes, *, link: int = 0
) -> bytes:
    return DESCRIPTOR.pack(
        kind,
        1,
        number,
        0xF0000001,
        link,
        offset,
        size,
        size,
        1_700_000_000,
        0,
        0,
        0,
        b"part",
        extra,
    )
