"""Dynamic symbols of an ELF file: name, whether it is defined here, binding, version.

Layout: System V ABI, gABI chapters 4 and 5; DT_GNU_HASH as glibc has it. Every count is capped.
"""

import struct
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from hpcrun.image.elf_versions import ElfVersions
from hpcrun.image.errors import ImageError
from hpcrun.image.tree import text_of

_SYMBOLS_MAX = 200_000
_STRINGS_MAX = 24 << 20
_NAME_MAX = 4096
_NAMES_MAX = 64 << 20
"""All names together: symbols of a lying file may share the end of one long string."""

_DT_HASH, _DT_SYMTAB, _DT_STRSZ = 4, 6, 10
_DT_GNU_HASH, _DT_VERSYM = 0x6FFFFEF5, 0x6FFFFFF0
_STB_WEAK, _HIDDEN = 2, 0x8000


class Symbol(NamedTuple):
    """One dynamic symbol."""

    name: str
    is_defined: bool
    """Whether it is defined here; else it is needed."""
    is_weak: bool
    """Whether the loader goes on where nobody defines it."""
    version: str | None
    """Version that is required or provided."""


class ElfSymbols(ElfVersions):
    """What an ELF file says about dynamic symbols."""

    @cached_property
    def symbols(self) -> Mapping[str, bool]:
        """Dynamic symbols: name -> whether it is defined here (else it is needed)."""
        found: dict[str, bool] = {}
        for name, is_defined, *_ in self._entries():
            found[name] = found.get(name, False) or is_defined
        return found

    @cached_property
    def symbol_table(self) -> tuple[Symbol, ...]:
        """All dynamic symbols, with binding and version."""
        names = self.version_names
        entries = list(self._entries())
        numbers = self._version_numbers(entries[-1][3] + 1 if entries else 0)
        return tuple(
            Symbol(name, is_defined, is_weak, names.get(numbers[index] & ~_HIDDEN))
            for name, is_defined, is_weak, index in entries
        )

    def _entries(self) -> Iterator[tuple[str, bool, bool, int]]:
        """Yield name, whether defined, whether weak, place in the table."""
        if _DT_SYMTAB not in self.dynamic:
            return
        shape = self.layout.symbol
        size = self.one(_DT_STRSZ)
        if size > _STRINGS_MAX:
            raise ImageError(f"ELF file claims {size} bytes of symbol names")
        strings = self.file.read_at(self.strings_place, size)
        n_symbols = self._n_symbols()
        if n_symbols > _SYMBOLS_MAX:
            raise ImageError(f"ELF file claims {n_symbols} symbols")
        at = self.offset_of(self.one(_DT_SYMTAB))
        table = self.exactly(at, n_symbols * shape.size, "symbol table")
        info_field, section_field = (1, 3) if self.is_wide else (3, 5)
        n_bytes = 0
        for index, fields in enumerate(shape.iter_unpack(table)):
            start = fields[0]
            end = strings.find(b"\0", start, start + _NAME_MAX)
            name = text_of(strings[start : end if end >= 0 else start + _NAME_MAX])
            n_bytes += len(name)
            if n_bytes > _NAMES_MAX:
                raise ImageError("ELF file claims too long names of symbols")
            if name:
                is_weak = fields[info_field] >> 4 == _STB_WEAK
                yield name, fields[section_field] != 0, is_weak, index

    def _version_numbers(self, count: int) -> tuple[int, ...]:
        """Return the number of each symbol's version; zero and one stand for none."""
        if _DT_VERSYM not in self.dynamic:
            return (0,) * count
        at = self.offset_of(self.one(_DT_VERSYM))
        data = self.exactly(at, 2 * count, "symbol version numbers")
        return struct.unpack(f"{self.layout.order}{count}H", data)

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
