"""What an ELF file says about linking; does not load or run it.

Our own small reader and not pyelftools: that one reads strings and tables without a bound and
takes milliseconds per file, and thousands of files are looked at; it is the oracle in the tests.
Every count and length is capped and only ImageError comes out. Layout: System V ABI, gABI
chapters 4 and 5; symbol versions and DT_GNU_HASH as glibc has them (elf.h).
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

_SEGMENTS_MAX = 256
_SECTIONS_MAX = 4096
_DYNAMIC_MAX = 1 << 16
_STRING_MAX = 4096
_NEEDED_MAX = 512
_FOLDERS_MAX = 64
_VERSIONS_MAX = 4096
_SYMBOLS_MAX = 200_000
_STRINGS_MAX = 24 << 20
_RODATA_MAX = 48 << 20

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_PF_X, _PF_W = 1, 2
_DT_NEEDED, _DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ = 1, 4, 5, 6, 10
_DT_SONAME, _DT_RPATH, _DT_RUNPATH = 14, 15, 29
_DT_GNU_HASH, _DT_VERDEF, _DT_VERNEED = 0x6FFFFEF5, 0x6FFFFFFC, 0x6FFFFFFE
_VER_FLG_BASE = 1


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


class _Layout(NamedTuple):
    """Struct formats of one class and byte order, with the fields brought into one order."""

    header: struct.Struct
    segment: struct.Struct
    section: struct.Struct
    dynamic: struct.Struct
    symbol: struct.Struct
    word: struct.Struct
    half: str

    @classmethod
    def of(cls, ident: Ident) -> "_Layout":
        order = "<" if ident.byte_order == "little" else ">"
        wide = ident.bits == 64  # noqa: PLR2004
        return cls(
            header=struct.Struct(order + ("16sHHIQQQIHHHHHH" if wide else "16sHHIIIIIHHHHHH")),
            segment=struct.Struct(order + ("IIQQQQQQ" if wide else "IIIIIIII")),
            section=struct.Struct(order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII")),
            dynamic=struct.Struct(order + ("qQ" if wide else "iI")),
            symbol=struct.Struct(order + ("IBBHQQ" if wide else "IIIBBH")),
            word=struct.Struct(order + "I"),
            half=order,
        )


class Segment(NamedTuple):
    """A program header."""

    kind: int
    flags: int
    offset: int
    address: int
    size: int


class Symbol(NamedTuple):
    """A dynamic symbol."""

    name: str
    is_defined: bool


class Elf:
    """One ELF file; everything is read when it is asked for."""

    def __init__(self, file: Bytes, ident: Ident) -> None:
        self._file = file
        self._layout = _Layout.of(ident)
        self._wide = ident.bits == 64  # noqa: PLR2004
        self._n_versions = 0
        self.ident = ident
        header = self._layout.header
        fields = header.unpack(self._exactly(0, header.size, "header"))
        self._segments_at, self._sections_at = fields[5], fields[6]
        self._n_segments, self._n_sections, self._names_index = fields[10], fields[12], fields[13]
        self._segment_size, self._section_size = fields[9], fields[11]

    # Segments and sections

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Program headers."""
        shape = self._layout.segment
        if not self._n_segments:
            return ()
        if self._n_segments > _SEGMENTS_MAX or self._segment_size != shape.size:
            raise ImageError(f"ELF file claims {self._n_segments} program headers")
        table = self._exactly(self._segments_at, self._n_segments * shape.size, "program headers")
        found = []
        for fields in shape.iter_unpack(table):
            if self._wide:
                kind, flags, offset, address, _p, size = fields[:6]
            else:
                kind, offset, address, _p, size, _m, flags = fields[:7]
            found.append(Segment(kind, flags, offset, address, size))
        return tuple(found)

    def _segment(self, kind: int) -> Segment | None:
        return next((segment for segment in self.segments if segment.kind == kind), None)

    def _offset_of(self, address: int) -> int:
        for segment in self.segments:
            if segment.kind == _PT_LOAD and 0 <= address - segment.address < segment.size:
                return segment.offset + address - segment.address
        raise ImageError(f"ELF address {address:#x} lies in no segment")

    def read_only_data(self) -> bytes:
        """Return the constants: section `.rodata`, else the segments that are not writable."""
        places = [p for p in (self._section_place(b".rodata"),) if p] or [
            (segment.offset, segment.size)
            for segment in self.segments
            if segment.kind == _PT_LOAD and not segment.flags & _PF_W
        ]
        if sum(size for _, size in places) > _RODATA_MAX:
            raise ImageError("ELF file has too many constants to look through")
        return b"".join(self._file.read_at(offset, size) for offset, size in places)

    def _section_place(self, name: bytes) -> tuple[int, int] | None:
        shape = self._layout.section
        if not 0 < self._n_sections <= _SECTIONS_MAX or self._section_size != shape.size:
            return None
        table = self._file.read_at(self._sections_at, self._n_sections * shape.size)
        sections = list(shape.iter_unpack(table[: len(table) // shape.size * shape.size]))
        if self._names_index >= len(sections):
            return None
        names_at = sections[self._names_index][4]
        for fields in sections:
            if self._file.read_at(names_at + fields[0], len(name) + 1) == name + b"\0":
                return fields[4], fields[5]
        return None

    # Dynamic linking

    @cached_property
    def _dynamic(self) -> Mapping[int, tuple[int, ...]]:
        segment = self._segment(_PT_DYNAMIC)
        if segment is None:
            return {}
        if segment.size > _DYNAMIC_MAX:
            raise ImageError(f"ELF file claims a dynamic section of {segment.size} bytes")
        shape = self._layout.dynamic
        data = self._exactly(
            segment.offset, segment.size // shape.size * shape.size, "dynamic section"
        )
        values: dict[int, tuple[int, ...]] = {}
        for tag, value in shape.iter_unpack(data):
            if tag == 0:
                break
            values[tag] = (*values.get(tag, ()), value)
        return values

    @property
    def is_dynamic(self) -> bool:
        """Whether it is linked dynamically."""
        return self._segment(_PT_DYNAMIC) is not None

    @cached_property
    def _strings_at(self) -> int:
        return self._offset_of(self._one(_DT_STRTAB))

    def _one(self, tag: int) -> int:
        values = self._dynamic.get(tag)
        if not values:
            raise ImageError(f"ELF file lacks dynamic entry {tag:#x}")
        return values[0]

    def _string(self, offset: int) -> str:
        for length in (128, _STRING_MAX):
            raw = self._file.read_at(self._strings_at + offset, length)
            if b"\0" in raw:
                return text_of(raw[: raw.index(b"\0")])
        raise ImageError("ELF string has no end")

    def _strings(self, tag: int) -> tuple[str, ...]:
        return tuple(self._string(offset) for offset in self._dynamic.get(tag, ()))

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """Sonames in DT_NEEDED, in order."""
        if len(self._dynamic.get(_DT_NEEDED, ())) > _NEEDED_MAX:
            raise ImageError("ELF file needs too many libraries")
        return self._strings(_DT_NEEDED)

    @cached_property
    def soname(self) -> str | None:
        """DT_SONAME."""
        return next(iter(self._strings(_DT_SONAME)), None)

    @cached_property
    def rpath(self) -> tuple[str, ...]:
        """Folders of DT_RPATH; they count only where there is no DT_RUNPATH."""
        return _folders(self._strings(_DT_RPATH))

    @cached_property
    def runpath(self) -> tuple[str, ...]:
        """Folders of DT_RUNPATH."""
        return _folders(self._strings(_DT_RUNPATH))

    @cached_property
    def interpreter(self) -> str | None:
        """PT_INTERP: the dynamic loader that the program asks for."""
        segment = self._segment(_PT_INTERP)
        if segment is None:
            return None
        raw = self._file.read_at(segment.offset, min(segment.size, _STRING_MAX))
        return text_of(raw.split(b"\0")[0])

    # Symbol versions

    @cached_property
    def versions_needed(self) -> Mapping[str, tuple[str, ...]]:
        """Symbol versions required, by soname of the library that must define them (verneed)."""
        needed: dict[str, tuple[str, ...]] = {}
        for entry in self._chain(_DT_VERNEED, "HHIII"):
            at, (_version, count, file_name, aux, _next) = entry
            names = self._auxiliaries(at + aux, count, "IHHII", name_field=3)
            library = self._string(file_name)
            needed[library] = needed.get(library, ()) + names
        return needed

    @cached_property
    def versions_defined(self) -> tuple[str, ...]:
        """Symbol versions that it defines (verdef), without the one that names the file."""
        defined: tuple[str, ...] = ()
        for entry in self._chain(_DT_VERDEF, "HHHHIII"):
            at, (_version, flags, _index, count, _hash, aux, _next) = entry
            if not flags & _VER_FLG_BASE:
                defined += self._auxiliaries(at + aux, min(count, 1), "II", name_field=0)
        return defined

    def _chain(self, tag: int, fields: str) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Follow the records that a dynamic entry points to; each ends with the way to the next."""
        if tag not in self._dynamic:
            return
        shape = struct.Struct(self._layout.half + fields)
        at = self._offset_of(self._one(tag))
        for _ in range(_VERSIONS_MAX):
            values = shape.unpack(self._exactly(at, shape.size, "symbol versions"))
            yield at, values
            if not values[-1]:
                return
            at += values[-1]
        raise ImageError("ELF file has too many symbol versions")

    def _auxiliaries(self, at: int, count: int, fields: str, *, name_field: int) -> tuple[str, ...]:
        shape = struct.Struct(self._layout.half + fields)
        names = []
        for _ in range(count):
            self._n_versions += 1
            if self._n_versions > _VERSIONS_MAX:
                raise ImageError("ELF file has too many symbol versions")
            values = shape.unpack(self._exactly(at, shape.size, "symbol versions"))
            names.append(self._string(values[name_field]))
            if not values[-1]:
                break
            at += values[-1]
        return tuple(names)

    # Symbols

    @cached_property
    def symbols(self) -> Mapping[str, bool]:
        """Dynamic symbols: name -> whether it is defined here (else it is needed)."""
        if _DT_SYMTAB not in self._dynamic:
            return {}
        shape = self._layout.symbol
        size = self._one(_DT_STRSZ)
        if size > _STRINGS_MAX:
            raise ImageError(f"ELF file claims {size} bytes of symbol names")
        strings = self._file.read_at(self._strings_at, size)
        n_symbols = self._n_symbols()
        if n_symbols > _SYMBOLS_MAX:
            raise ImageError(f"ELF file claims {n_symbols} symbols")
        table = self._exactly(
            self._offset_of(self._one(_DT_SYMTAB)), n_symbols * shape.size, "symbol table"
        )
        section_field = 3 if self._wide else 5
        found: dict[str, bool] = {}
        for fields in shape.iter_unpack(table):
            start = fields[0]
            name = text_of(strings[start : strings.find(b"\0", start)])
            found[name] = found.get(name, False) or fields[section_field] != 0
        found.pop("", None)
        return found

    def _n_symbols(self) -> int:
        if _DT_HASH in self._dynamic:
            at = self._offset_of(self._one(_DT_HASH))
            return int(self._words(at, 2)[1])
        if _DT_GNU_HASH in self._dynamic:
            return self._n_symbols_by_gnu_hash(self._offset_of(self._one(_DT_GNU_HASH)))
        raise ImageError("ELF file has no symbol hash table")

    def _n_symbols_by_gnu_hash(self, at: int) -> int:
        n_buckets, first, n_bloom, _shift = self._words(at, 4)
        if max(n_buckets, n_bloom, first) > _SYMBOLS_MAX:
            raise ImageError("ELF symbol hash table is out of range")
        buckets_at = at + 16 + n_bloom * (8 if self._wide else 4)
        last = max(self._words(buckets_at, n_buckets), default=0)
        if last < first:
            # Nothing is exported, so the table does not tell how many symbols are needed.
            place = self._section_place(b".dynsym")
            return place[1] // self._layout.symbol.size if place else int(first)
        chains_at = buckets_at + 4 * n_buckets
        while last - first < _SYMBOLS_MAX:
            for step, value in enumerate(self._words_upto(chains_at + 4 * (last - first), 1024)):
                if value & 1:
                    return int(last + step + 1)
            last += 1024
        raise ImageError("ELF symbol hash table has no end")

    def _words(self, at: int, count: int) -> tuple[int, ...]:
        data = self._exactly(at, 4 * count, "symbol hash table")
        return struct.unpack(f"{self._layout.half}{count}I", data)

    def _words_upto(self, at: int, count: int) -> tuple[int, ...]:
        data = self._file.read_at(at, 4 * count)
        if len(data) < 4:  # noqa: PLR2004
            raise ImageError("ELF symbol hash table is cut off")
        return struct.unpack(f"{self._layout.half}{len(data) // 4}I", data[: len(data) // 4 * 4])

    def _exactly(self, offset: int, length: int, what: str) -> bytes:
        data = self._file.read_at(offset, length)
        if len(data) != length:
            raise ImageError(f"ELF {what} is cut off")
        return data


def _folders(texts: tuple[str, ...]) -> tuple[str, ...]:
    folders = [folder for text in texts for folder in text.split(":") if folder]
    if len(folders) > _FOLDERS_MAX:
        raise ImageError("ELF file names too many library folders")
    return tuple(folders)


def read_elf(file: Bytes) -> Elf | None:
    """Return the ELF view of a file; None where it is none."""
    ident = read_ident(file.read_at(0, IDENT_SIZE))
    return Elf(file, ident) if ident is not None else None
