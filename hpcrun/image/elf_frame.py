"""The skeleton of an ELF file: header, segments, dynamic section; does not interpret entries.

Layout: System V ABI, gABI chapters 4 and 5. Every count and length is capped.
"""

import struct
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from hpcrun.image.errors import ImageError
from hpcrun.image.extent import Bytes
from hpcrun.image.tree import text_of

MAGIC = b"\x7fELF"
IDENT_SIZE = 20
"""Bytes from the start up to and with e_machine."""
STRING_MAX = 4096

_SEGMENTS_MAX = 256
_SECTIONS_MAX = 4096
_DYNAMIC_MAX = 1 << 16
_RODATA_MAX = 48 << 20
_SECTION_NAMES_MAX = 1 << 20
_SECTION_NAME_MAX = 256
_NOTES_MAX = 64 << 10

PT_INTERP = 3
_PT_LOAD, _PT_DYNAMIC, _PT_NOTE = 1, 2, 4
_SHT_NOBITS = 8
_PF_W = 2
_DT_STRTAB = 5


class Ident(NamedTuple):
    """Processor architecture as ELF names it."""

    bits: int
    byte_order: str
    machine: int
    kind: int
    """e_type: 2 executable, 3 shared object or position-independent executable, 4 core."""


def read_ident(head: bytes) -> Ident | None:
    """Return the architecture in a file's first bytes; None where it is no ELF file."""
    if len(head) < IDENT_SIZE or not head.startswith(MAGIC):
        return None
    bits, order = {1: 32, 2: 64}.get(head[4]), {1: "little", 2: "big"}.get(head[5])
    if bits is None or order is None:
        return None
    kind, machine = struct.unpack_from("<HH" if order == "little" else ">HH", head, 16)
    return Ident(bits, order, machine, kind)


class Layout(NamedTuple):
    """Struct formats of one class and byte order, with the fields brought into one order."""

    header: struct.Struct
    segment: struct.Struct
    section: struct.Struct
    dynamic: struct.Struct
    symbol: struct.Struct
    order: str

    @classmethod
    def of(cls, ident: Ident) -> "Layout":
        """Return the formats for a class and byte order."""
        order = "<" if ident.byte_order == "little" else ">"
        wide = ident.bits == 64  # noqa: PLR2004
        return cls(
            header=struct.Struct(order + ("16sHHIQQQIHHHHHH" if wide else "16sHHIIIIIHHHHHH")),
            segment=struct.Struct(order + ("IIQQQQQQ" if wide else "IIIIIIII")),
            section=struct.Struct(order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII")),
            dynamic=struct.Struct(order + ("qQ" if wide else "iI")),
            symbol=struct.Struct(order + ("IBBHQQ" if wide else "IIIBBH")),
            order=order,
        )


class Segment(NamedTuple):
    """A program header."""

    kind: int
    flags: int
    offset: int
    address: int
    size: int
    align: int


class Note(NamedTuple):
    """One entry of a note segment."""

    owner: bytes
    kind: int
    content: bytes


def _up(number: int, step: int) -> int:
    """Round up to a multiple."""
    return -(-number // step) * step


class ElfFrame:
    """What all questions about an ELF file start from; read when it is asked for."""

    def __init__(self, file: Bytes, ident: Ident) -> None:
        self.file = file
        self.layout = Layout.of(ident)
        self.is_wide = ident.bits == 64  # noqa: PLR2004
        self.ident = ident
        header = self.layout.header
        fields = header.unpack(self.exactly(0, header.size, "header"))
        self._segments_at, self._sections_at = fields[5], fields[6]
        self._n_segments, self._n_sections, self._names_index = fields[10], fields[12], fields[13]
        self._segment_size, self._section_size = fields[9], fields[11]

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Program headers."""
        shape = self.layout.segment
        if not self._n_segments:
            return ()
        if self._n_segments > _SEGMENTS_MAX or self._segment_size != shape.size:
            raise ImageError(f"ELF file claims {self._n_segments} program headers")
        table = self.exactly(self._segments_at, self._n_segments * shape.size, "program headers")
        found = []
        for fields in shape.iter_unpack(table):
            if self.is_wide:
                kind, flags, offset, address, _p, size, _m, align = fields
            else:
                kind, offset, address, _p, size, _m, flags, align = fields
            found.append(Segment(kind, flags, offset, address, size, align))
        return tuple(found)

    def segment(self, kind: int) -> Segment | None:
        """Return the first program header of a kind."""
        return next((segment for segment in self.segments if segment.kind == kind), None)

    def offset_of(self, address: int) -> int:
        """Return where in the file an address of the loaded image lies."""
        for segment in self.segments:
            if segment.kind == _PT_LOAD and 0 <= address - segment.address < segment.size:
                return segment.offset + address - segment.address
        raise ImageError(f"ELF address {address:#x} lies in no segment")

    def read_only_data(self) -> bytes:
        """Return the constants: section `.rodata`, else the segments that are not writable."""
        places = [p for p in (self.section_place(b".rodata"),) if p] or [
            (segment.offset, segment.size)
            for segment in self.segments
            if segment.kind == _PT_LOAD and not segment.flags & _PF_W
        ]
        if sum(size for _, size in places) > _RODATA_MAX:
            raise ImageError("ELF file has too many constants to look through")
        return b"".join(self.file.read_at(offset, size) for offset, size in places)

    def section_place(self, name: bytes) -> tuple[int, int] | None:
        """Return offset and size of a section; None where there is none of that name."""
        return self.sections.get(name)

    @cached_property
    def sections(self) -> Mapping[bytes, tuple[int, int]]:
        """Offset and size of each section that has bytes in the file, by name."""
        shape = self.layout.section
        if not 0 < self._n_sections <= _SECTIONS_MAX or self._section_size != shape.size:
            return {}
        table = self.file.read_at(self._sections_at, self._n_sections * shape.size)
        headers = list(shape.iter_unpack(table[: len(table) // shape.size * shape.size]))
        if self._names_index >= len(headers):
            return {}
        names_at, names_size = headers[self._names_index][4:6]
        names = self.file.read_at(names_at, min(names_size, _SECTION_NAMES_MAX))
        found: dict[bytes, tuple[int, int]] = {}
        for fields in headers:
            start = fields[0]
            name = names[start : start + _SECTION_NAME_MAX].split(b"\0")[0]
            if name and fields[1] != _SHT_NOBITS:
                found.setdefault(name, (fields[4], fields[5]))
        return found

    def notes(self) -> Iterator[Note]:
        """Yield the notes of all note segments."""
        for segment in self.segments:
            if segment.kind == _PT_NOTE:
                data = self.file.read_at(segment.offset, min(segment.size, _NOTES_MAX))
                yield from self._notes_in(data, 8 if segment.align == 8 else 4)  # noqa: PLR2004

    def _notes_in(self, data: bytes, align: int) -> Iterator[Note]:
        at = 0
        while at + 12 <= len(data):
            name_size, size, kind = struct.unpack_from(self.layout.order + "III", data, at)
            start = _up(at + 12 + name_size, align)
            if start + size > len(data):
                return
            owner = data[at + 12 : at + 12 + name_size].split(b"\0")[0]
            yield Note(owner, kind, data[start : start + size])
            at = _up(start + size, align)

    @cached_property
    def dynamic(self) -> Mapping[int, tuple[int, ...]]:
        """Entries of the dynamic section by tag, in order."""
        segment = self.segment(_PT_DYNAMIC)
        if segment is None:
            return {}
        if segment.size > _DYNAMIC_MAX:
            raise ImageError(f"ELF file claims a dynamic section of {segment.size} bytes")
        shape = self.layout.dynamic
        data = self.exactly(
            segment.offset, segment.size // shape.size * shape.size, "dynamic section"
        )
        values: dict[int, list[int]] = {}
        for tag, value in shape.iter_unpack(data):
            if tag == 0:
                break
            values.setdefault(tag, []).append(value)
        return {tag: tuple(found) for tag, found in values.items()}

    @property
    def is_dynamic(self) -> bool:
        """Whether it is linked dynamically."""
        return self.segment(_PT_DYNAMIC) is not None

    @cached_property
    def strings_place(self) -> int:
        """Where in the file the dynamic strings start."""
        return self.offset_of(self.one(_DT_STRTAB))

    def one(self, tag: int) -> int:
        """Return the first dynamic entry with a tag."""
        values = self.dynamic.get(tag)
        if not values:
            raise ImageError(f"ELF file lacks dynamic entry {tag:#x}")
        return values[0]

    def string_at(self, offset: int) -> str:
        """Return a dynamic string."""
        for length in (128, STRING_MAX):
            raw = self.file.read_at(self.strings_place + offset, length)
            if b"\0" in raw:
                return text_of(raw[: raw.index(b"\0")])
        raise ImageError("ELF string has no end")

    def strings(self, tag: int) -> tuple[str, ...]:
        """Return the strings that dynamic entries with a tag name."""
        return tuple(self.string_at(offset) for offset in self.dynamic.get(tag, ()))

    def exactly(self, offset: int, length: int, what: str) -> bytes:
        """Return `length` bytes of the file, or say that `what` is cut off."""
        data = self.file.read_at(offset, length)
        if len(data) != length:
            raise ImageError(f"ELF {what} is cut off")
        return data
