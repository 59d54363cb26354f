"""What an ELF file says about linking; does not load or run it.

Our own small reader and not pyelftools: that one reads strings and tables without a bound and
takes milliseconds per file, and thousands of files are looked at; it is the oracle in the tests.
Every count and length is capped and only ImageError comes out. Layout: System V ABI, gABI
chapters 4 and 5; symbol versions and DT_GNU_HASH as glibc has them (elf.h).
"""

import struct
from collections.abc import Iterator, Mapping
from functools import cached_property

from hpcrun.image.elf_frame import IDENT_SIZE, PT_INTERP, STRING_MAX, ElfFrame, Ident, read_ident
from hpcrun.image.errors import ImageError
from hpcrun.image.extent import Bytes
from hpcrun.image.tree import text_of

__all__ = ["IDENT_SIZE", "Elf", "Ident", "read_elf", "read_ident"]

_NEEDED_MAX = 512
_FOLDERS_MAX = 64
_VERSIONS_MAX = 4096
_SYMBOLS_MAX = 200_000
_STRINGS_MAX = 24 << 20

_DT_NEEDED, _DT_HASH, _DT_SYMTAB, _DT_STRSZ = 1, 4, 6, 10
_DT_SONAME, _DT_RPATH, _DT_RUNPATH = 14, 15, 29
_DT_GNU_HASH, _DT_VERDEF, _DT_VERNEED = 0x6FFFFEF5, 0x6FFFFFFC, 0x6FFFFFFE
_VER_FLG_BASE = 1


class Elf(ElfFrame):
    """One ELF file; everything is read when it is asked for."""

    def __init__(self, file: Bytes, ident: Ident) -> None:
        super().__init__(file, ident)
        self._n_versions = 0

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """Sonames in DT_NEEDED, in order."""
        if len(self.dynamic.get(_DT_NEEDED, ())) > _NEEDED_MAX:
            raise ImageError("ELF file needs too many libraries")
        return self.strings(_DT_NEEDED)

    @cached_property
    def soname(self) -> str | None:
        """DT_SONAME."""
        return next(iter(self.strings(_DT_SONAME)), None)

    @cached_property
    def rpath(self) -> tuple[str, ...]:
        """Folders of DT_RPATH; they count only where there is no DT_RUNPATH."""
        return _folders(self.strings(_DT_RPATH))

    @cached_property
    def runpath(self) -> tuple[str, ...]:
        """Folders of DT_RUNPATH."""
        return _folders(self.strings(_DT_RUNPATH))

    @cached_property
    def interpreter(self) -> str | None:
        """PT_INTERP: the dynamic loader that the program asks for."""
        segment = self.segment(PT_INTERP)
        if segment is None:
            return None
        raw = self.file.read_at(segment.offset, min(segment.size, STRING_MAX))
        return text_of(raw.split(b"\0")[0])

    # Symbol versions

    @cached_property
    def versions_needed(self) -> Mapping[str, tuple[str, ...]]:
        """Symbol versions required, by soname of the library that must define them (verneed)."""
        needed: dict[str, tuple[str, ...]] = {}
        for entry in self._chain(_DT_VERNEED, "HHIII"):
            at, (_version, count, file_name, aux, _next) = entry
            names = self._auxiliaries(at + aux, count, "IHHII", name_field=3)
            library = self.string_at(file_name)
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
        if tag not in self.dynamic:
            return
        shape = struct.Struct(self.layout.order + fields)
        at = self.offset_of(self.one(tag))
        for _ in range(_VERSIONS_MAX):
            values = shape.unpack(self.exactly(at, shape.size, "symbol versions"))
            yield at, values
            if not values[-1]:
                return
            at += values[-1]
        raise ImageError("ELF file has too many symbol versions")

    def _auxiliaries(self, at: int, count: int, fields: str, *, name_field: int) -> tuple[str, ...]:
        shape = struct.Struct(self.layout.order + fields)
        names = []
        for _ in range(count):
            self._n_versions += 1
            if self._n_versions > _VERSIONS_MAX:
                raise ImageError("ELF file has too many symbol versions")
            values = shape.unpack(self.exactly(at, shape.size, "symbol versions"))
            names.append(self.string_at(values[name_field]))
            if not values[-1]:
                break
            at += values[-1]
        return tuple(names)

    # Symbols

    @cached_property
    def symbols(self) -> Mapping[str, bool]:
        """Dynamic symbols: name -> whether it is defined here (else it is needed)."""
        if _DT_SYMTAB not in self.dynamic:
            return {}
        shape = self.layout.symbol
        size = self.one(_DT_STRSZ)
        if size > _STRINGS_MAX:
            raise ImageError(f"ELF file claims {size} bytes of symbol names")
        strings = self.file.read_at(self.strings_place, size)
        n_symbols = self._n_symbols()
        if n_symbols > _SYMBOLS_MAX:
            raise ImageError(f"ELF file claims {n_symbols} symbols")
        table = self.exactly(
            self.offset_of(self.one(_DT_SYMTAB)), n_symbols * shape.size, "symbol table"
        )
        section_field = 3 if self.is_wide else 5
        found: dict[str, bool] = {}
        for fields in shape.iter_unpack(table):
            start = fields[0]
            name = text_of(strings[start : strings.find(b"\0", start)])
            found[name] = found.get(name, False) or fields[section_field] != 0
        found.pop("", None)
        return found

    def _n_symbols(self) -> int:
        if _DT_HASH in self.dynamic:
            at = self.offset_of(self.one(_DT_HASH))
            return int(self._words(at, 2)[1])
        if _DT_GNU_HASH in self.dynamic:
            return self._n_symbols_by_gnu_hash(self.offset_of(self.one(_DT_GNU_HASH)))
        raise ImageError("ELF file has no symbol hash table")

    def _n_symbols_by_gnu_hash(self, at: int) -> int:
        n_buckets, first, n_bloom, _shift = self._words(at, 4)
        if max(n_buckets, n_bloom, first) > _SYMBOLS_MAX:
            raise ImageError("ELF symbol hash table is out of range")
        buckets_at = at + 16 + n_bloom * (8 if self.is_wide else 4)
        last = max(self._words(buckets_at, n_buckets), default=0)
        if last < first:
            # Nothing is exported, so the table does not tell how many symbols are needed.
            place = self.section_place(b".dynsym")
            return place[1] // self.layout.symbol.size if place else int(first)
        chains_at = buckets_at + 4 * n_buckets
        while last - first < _SYMBOLS_MAX:
            for step, value in enumerate(self._words_upto(chains_at + 4 * (last - first), 1024)):
                if value & 1:
                    return int(last + step + 1)
            last += 1024
        raise ImageError("ELF symbol hash table has no end")

    def _words(self, at: int, count: int) -> tuple[int, ...]:
        data = self.exactly(at, 4 * count, "symbol hash table")
        return struct.unpack(f"{self.layout.order}{count}I", data)

    def _words_upto(self, at: int, count: int) -> tuple[int, ...]:
        data = self.file.read_at(at, 4 * count)
        if len(data) < 4:  # noqa: PLR2004
            raise ImageError("ELF symbol hash table is cut off")
        return struct.unpack(f"{self.layout.order}{len(data) // 4}I", data[: len(data) // 4 * 4])


def _folders(texts: tuple[str, ...]) -> tuple[str, ...]:
    folders = [folder for text in texts for folder in text.split(":") if folder]
    if len(folders) > _FOLDERS_MAX:
        raise ImageError("ELF file names too many library folders")
    return tuple(folders)


def read_elf(file: Bytes) -> Elf | None:
    """Return the ELF view of a file; None where it is none."""
    ident = read_ident(file.read_at(0, IDENT_SIZE))
    return Elf(file, ident) if ident is not None else None
