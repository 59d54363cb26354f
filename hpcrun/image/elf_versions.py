"""Symbol versions of an ELF file: required, provided, and which number stands for which.

Layout as glibc has it (elf.h, "Version definition sections"). Every count is capped.
"""

import struct
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from hpcrun.image.elf_frame import ElfFrame
from hpcrun.image.errors import ImageError

_VERSIONS_MAX = 4096
_DT_VERDEF, _DT_VERNEED = 0x6FFFFFFC, 0x6FFFFFFE
_VER_FLG_BASE, _VER_FLG_WEAK = 1, 2
_HIDDEN = 0x8000


class _Version(NamedTuple):
    """One version: of which library (none: of this file itself), its name, its number."""

    library: str | None
    name: str
    number: int
    is_weak: bool = False
    """Whether the loader goes on without it (glibc, elf/dl-version.c, match_symbol)."""


class ElfVersions(ElfFrame):
    """What an ELF file says about symbol versions."""

    @cached_property
    def versions_needed(self) -> Mapping[str, tuple[str, ...]]:
        """Symbol versions required, by soname of the library that must define them (verneed).

        Weak ones are left out, as the loader goes on without them.
        """
        needed: dict[str, tuple[str, ...]] = {}
        for version in self._required:
            library = version.library or ""
            names = (version.name,) if version.name and not version.is_weak else ()
            needed[library] = needed.get(library, ()) + names
        return needed

    @cached_property
    def versions_defined(self) -> tuple[str, ...]:
        """Symbol versions that it defines (verdef), without the one that names the file."""
        return tuple(version.name for version in self._provided)

    @cached_property
    def version_names(self) -> Mapping[int, str]:
        """Names of versions by the number that the symbol table uses for them."""
        every = (*self._required, *self._provided)
        return {version.number: version.name for version in every if version.name}

    @cached_property
    def _required(self) -> tuple[_Version, ...]:
        found: list[_Version] = []
        for at, (_version, count, file_name, aux, _next) in self._chain(_DT_VERNEED, "HHIII"):
            library = self.string_at(file_name)
            found.append(_Version(library, "", 0))
            for _hash, flags, number, name, _ in self._auxiliaries(at + aux, count, "IHHII"):
                is_weak = bool(flags & _VER_FLG_WEAK)
                found.append(_Version(library, self.string_at(name), number & ~_HIDDEN, is_weak))
                _bound(found)
        return tuple(found)

    @cached_property
    def _provided(self) -> tuple[_Version, ...]:
        found: list[_Version] = []
        for at, entry in self._chain(_DT_VERDEF, "HHHHIII"):
            _version, flags, number, count, _hash, aux, _next = entry
            if flags & _VER_FLG_BASE:
                continue
            for name, _ in self._auxiliaries(at + aux, min(count, 1), "II"):
                found.append(_Version(None, self.string_at(name), number & ~_HIDDEN))
                _bound(found)
        return tuple(found)

    def _chain(self, tag: int, fields: str) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Follow the records that a dynamic entry points to."""
        if tag in self.dynamic:
            yield from self._linked(self.offset_of(self.one(tag)), fields)

    def _auxiliaries(self, at: int, count: int, fields: str) -> Iterator[tuple[int, ...]]:
        """Follow at most `count` records that belong to one."""
        yield from (values for _, values in islice(self._linked(at, fields), count))

    def _linked(self, at: int, fields: str) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield records with their places; each ends with the way to the next."""
        shape = struct.Struct(self.layout.order + fields)
        for _ in range(_VERSIONS_MAX):
            values = shape.unpack(self.exactly(at, shape.size, "symbol versions"))
            yield at, values
            if not values[-1]:
                return
            at += values[-1]
        raise ImageError("ELF file has too many symbol versions")


def _bound(found: list[_Version]) -> None:
    if len(found) > _VERSIONS_MAX:
        raise ImageError("ELF file has too many symbol versions")
