"""For which GPUs a program or library holds code: headers only, nothing is unpacked or run.

CUDA puts "fat binaries" into sections `.nv_fatbin` (and `__nv_relfatbin`): a header, then entries
of which each says its kind, its size and the processor. Layout as found in nvJPEG 12.4 and NCCL
2.29.7, of which cuobjdump 13.4 lists the same processors (measured). ROCm puts Clang's offload
bundles into `.hip_fatbin` (clang docs, ClangOffloadBundler); compressed ones hide their targets.
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from hpcrun.image.elf import Elf
from hpcrun.image.errors import ImageError
from hpcrun.image.extent import Bytes

SECTIONS = (b".nv_fatbin", b"__nv_relfatbin", b".hip_fatbin")
ENTRIES_MAX = 1024
SPAN_MAX = 16 << 20
"""Only the start of a section is looked through; what follows mostly repeats its targets."""

_FATBIN_MAGIC, _FATBIN = 0xBA55ED50, struct.Struct("<IHHQ")
_ENTRY = struct.Struct("<HHIQIIHHI")
_FLAGS, _FLAGS_AT = struct.Struct("<Q"), 40
_SUFFIXES = {0x100000: "a", 0x200000: "f"}
"""Flags of an entry that is for one processor alone, or for its family: what nvcc 13.0 makes for
sm_90a, sm_100f, sm_103a and compute_90a has them, what it makes for sm_75, sm_80 and sm_120 not
(measured)."""
_PTX, _CUBIN = 1, 2
_NUMBER_MAX = 1000
_BUNDLE_MAGIC, _COMPRESSED_MAGIC = b"__CLANG_OFFLOAD_BUNDLE__", b"CCOB"
_BUNDLE_ENTRY = struct.Struct("<QQQ")
_TRIPLE_MAX = 256
_GFX = re.compile(rb"hip[a-z0-9]*-amdgcn-amd-amdhsa-[a-z0-9]*-+(gfx[0-9a-f]+[a-z0-9:+-]*)")
_PAGE = 4096


class Targets(NamedTuple):
    """What device code was found."""

    compiled: tuple[str, ...]
    portable: tuple[str, ...]
    evidence: str
    is_whole: bool
    """Whether all of it was looked through."""


def has_device_code(elf: Elf) -> bool:
    """Whether a file has a section for it."""
    return any(name in elf.sections for name in SECTIONS)


def read_device_code(elf: Elf) -> Targets | None:
    """List the processors that a file holds code for; None where it holds none."""
    compiled: dict[str, None] = {}
    portable: dict[str, None] = {}
    sections, is_whole = [], True
    for name in SECTIONS:
        place = elf.section_place(name)
        if place is None or not place[1]:
            continue
        sections.append(f"{name.decode()} at {place[0]:#x}")
        walk = _bundles if name == b".hip_fatbin" else _fatbins
        count = 0
        for kind, target in walk(elf.file, place[0], min(place[1], SPAN_MAX)):
            (portable if kind == _PTX else compiled)[target] = None
            count += 1
        is_whole = is_whole and place[1] <= SPAN_MAX and count < ENTRIES_MAX
    if not sections:
        return None
    return Targets(
        tuple(sorted(compiled, key=_order)),
        tuple(sorted(portable, key=_order)),
        ", ".join(sections),
        is_whole,
    )


def _order(target: str) -> tuple[int, str]:
    digits = re.sub(r"\D", "", target.split(":", maxsplit=1)[0])
    return (int(digits or 0), target)


def _fatbins(file: Bytes, start: int, size: int) -> Iterator[tuple[int, str]]:
    at, end, n_entries = start, start + size, 0
    while at + _FATBIN.size <= end:
        n_entries += 1
        if n_entries > ENTRIES_MAX:
            return
        magic, _version, header_size, body_size = _FATBIN.unpack(_at(file, at, _FATBIN.size))
        if magic != _FATBIN_MAGIC:
            at += 8
            continue
        entry = at + header_size
        at = max(entry + body_size, at + 8)
        while entry + _ENTRY.size <= min(at, end):
            n_entries += 1
            if n_entries > ENTRIES_MAX:
                return
            fields = _ENTRY.unpack(_at(file, entry, _ENTRY.size))
            kind, own_size, payload, number = fields[0], fields[2], fields[3], fields[8]
            if kind in (_PTX, _CUBIN) and number < _NUMBER_MAX:
                suffix = _suffix(file, entry) if own_size >= _FLAGS_AT + _FLAGS.size else ""
                yield kind, f"{'compute' if kind == _PTX else 'sm'}_{number}{suffix}"
            if own_size < _ENTRY.size:
                return
            entry += own_size + payload


def _suffix(file: Bytes, entry: int) -> str:
    (flags,) = _FLAGS.unpack(_at(file, entry + _FLAGS_AT, _FLAGS.size))
    return next((letter for flag, letter in _SUFFIXES.items() if flags & flag), "")


def _bundles(file: Bytes, start: int, size: int) -> Iterator[tuple[int, str]]:
    at, end, n_entries = start, start + size, 0
    head_size = len(_BUNDLE_MAGIC) + 8
    while at + head_size <= end:
        head = _at(file, at, head_size)
        n_entries += 1
        if n_entries > ENTRIES_MAX:
            return
        if head.startswith(_COMPRESSED_MAGIC):
            yield _CUBIN, "compressed"
            return
        if not head.startswith(_BUNDLE_MAGIC):
            return
        (count,) = struct.unpack_from("<Q", head, len(_BUNDLE_MAGIC))
        entry, last = at + head_size, at + head_size
        for _ in range(min(count, ENTRIES_MAX)):
            n_entries += 1
            if n_entries > ENTRIES_MAX:
                return
            offset, length, n_triple = _BUNDLE_ENTRY.unpack(_at(file, entry, _BUNDLE_ENTRY.size))
            triple = file.read_at(entry + _BUNDLE_ENTRY.size, min(n_triple, _TRIPLE_MAX))
            if match := _GFX.fullmatch(triple):
                yield _CUBIN, match.group(1).decode()
            entry += _BUNDLE_ENTRY.size + n_triple
            last = max(last, at + offset + length)
        at = max(start + -(-(last - start) // _PAGE) * _PAGE, at + _PAGE)


def _at(file: Bytes, offset: int, size: int) -> bytes:
    data = file.read_at(offset, size)
    if len(data) != size:
        raise ImageError("device code is cut off")
    return data
