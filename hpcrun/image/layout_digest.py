"""What tells two SIF or squashfs files apart without reading all of them; no proof against forgers.

Hashed are the SIF's header, descriptors and small objects, the squashfs's superblock and tables,
and samples of its content. The inode table holds names, modes, dates, lengths and the compressed
size of each block, the superblock when it was made: what mksquashfs builds anew differs somewhere.
What remains: somebody who overwrites content in place, outside the samples and with blocks of the
very same compressed lengths, keeps this digest. So nothing that is about trust uses it: a job's
`sha256:` is compared with the hash of the whole file.
"""

import hashlib
from typing import TYPE_CHECKING

from hpcrun.image.extent import READ_MAX, Extent
from hpcrun.image.sif import DataType, Sif

if TYPE_CHECKING:
    from hpcrun.image.squashfs_layout import Superblock

TABLES_MAX = 2 * READ_MAX
"""The tables of some ten million files; what lies beyond is only sampled."""
OBJECT_MAX = 64 << 10
SAMPLES = 64
SAMPLE_SIZE = 4096


def sif_digest(file: Extent, sif: Sif, superblock: "Superblock | None") -> str:
    """Hash what tells a SIF from others."""
    digest = hashlib.sha256(sif.head)
    for each in sif.descriptors:
        if each.kind != DataType.PARTITION:
            digest.update(file.read_at(each.offset, min(each.size, OBJECT_MAX)))
    primary = sif.primary
    if primary is not None:
        part = file.part(primary.offset, primary.size)
        for piece in _pieces(part, superblock):
            digest.update(piece)
    return "sif:" + digest.hexdigest()


def squashfs_digest(file: Extent, superblock: "Superblock | None") -> str:
    """Hash what tells a bare squashfs from others."""
    digest = hashlib.sha256()
    for piece in _pieces(file, superblock):
        digest.update(piece)
    return "squashfs:" + digest.hexdigest()


def whole_digest(file: Extent) -> str:
    """Hash every byte."""
    digest = hashlib.sha256()
    for offset in range(0, file.size, 1 << 20):
        digest.update(file.read_at(offset, 1 << 20))
    return "sha256:" + digest.hexdigest()


def _pieces(part: Extent, superblock: "Superblock | None") -> "list[bytes]":
    """Return superblock, tables and samples; samples alone where there is no superblock."""
    end = superblock.bytes_used if superblock else part.size
    start = min(end, superblock.tables_at) if superblock else end
    length = min(end - start, TABLES_MAX)
    pieces = [part.read_at(0, SAMPLE_SIZE), end.to_bytes(8, "little")]
    pieces += [
        part.read_at(start + done, min(READ_MAX, length - done))
        for done in range(0, length, READ_MAX)
    ]
    step = max(SAMPLE_SIZE, start // SAMPLES)
    pieces += [part.read_at(offset, SAMPLE_SIZE) for offset in range(0, start, step)]
    pieces.append(part.read_at(max(0, start - SAMPLE_SIZE), SAMPLE_SIZE))
    return pieces
