"""For which processors an image's programs are built, by signs of unlike strength; judges nothing.

Notes of ELF files decide at run time (glibc refuses what the processor lacks), the distribution's
baseline holds for its packages, and names of folders or recorded compiler flags are hints.
"""

import re
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from hpcrun.image.errors import ImageError
from hpcrun.image.survey import ElfFile, Survey
from hpcrun.model.base import known
from hpcrun.model.seen import Certainty
from hpcrun.model.system import ArchShare, LevelSign, OsRelease
from hpcrun.tables.distributions import distribution_baseline
from hpcrun.tables.processors import processor

if TYPE_CHECKING:
    from hpcrun.image.elf import Elf

FILES_MAX = 250
"""Files whose notes and recorded flags are read, besides those of the command."""
_EXAMPLES_MAX = 5
_SIGNS_MAX = 12
_SECTION_MAX = 64 << 10
_DISTRIBUTIONS_OWN = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/bin", "/usr/sbin", "/bin")
_PROPERTY, _OWNER = 5, b"GNU"
_X86_NEEDED, _X86_FEATURES, _ARM_FEATURES = 0xC0008002, 0xC0000002, 0xC0000000
"""GNU_PROPERTY_X86_ISA_1_NEEDED, …_X86_FEATURE_1_AND, …_AARCH64_FEATURE_1_AND: x86-64 psABI 1.0,
linux-extensions; binutils 2.41 include/elf/common.h."""
_X86_LEVELS = {2: "x86_64_v2", 4: "x86_64_v3", 8: "x86_64_v4"}
_X86_PROTECTIONS = {1: "IBT", 2: "SHSTK"}
_ARM_PROTECTIONS = {1: "BTI", 2: "PAC"}
_SPACK = re.compile(r"/linux-[a-z]+[0-9.]*-([a-z0-9_]+)(?=/)")
"""Spack's folder per platform, system and target (spack docs, install tree)."""
_EESSI = re.compile(r"/software/linux/(?:x86_64|aarch64)/(?:[a-z]+/)?([a-z0-9_]+)(?=/)")
_FLAG = re.compile(rb"-m(?:arch|cpu)=([A-Za-z0-9_.-]{2,40})")
_LEVEL_FOLDER = re.compile(r"/glibc-hwcaps/([a-z0-9_-]+)/")


class Processor(NamedTuple):
    """What was found."""

    levels: tuple[LevelSign, ...]
    protections: dict[str, int]


def share_archs(found: Survey) -> tuple[ArchShare, ...]:
    """Count ELF files by architecture, with a few of their paths."""
    by_arch: dict[str, list[ElfFile]] = {}
    for file in found.elf_files:
        by_arch.setdefault(file.arch, []).append(file)
    shares = [
        ArchShare(
            arch=arch,
            n_files=len(files),
            examples=tuple(str(each.path) for each in sorted(files, key=_rank)[:_EXAMPLES_MAX]),
        )
        for arch, files in by_arch.items()
    ]
    return tuple(sorted(shares, key=lambda share: (-share.n_files, share.arch)))


def _rank(file: ElfFile) -> tuple[bool, bool, int, str]:
    """Put programs of the image's maker first, libraries of the distribution last."""
    path = str(file.path)
    return (_is_distributions(path), ".so" in file.path.name, len(file.path.parts), path)


def _is_distributions(path: str) -> bool:
    return path.startswith(_DISTRIBUTIONS_OWN)


def read_processor(
    found: Survey, arch: str, os: OsRelease | None, command: Iterable[ElfFile]
) -> Processor:
    """Gather the signs of one architecture."""
    own = [file for file in found.elf_files if file.arch == arch]
    made = sorted((file for file in own if not _is_distributions(str(file.path))), key=_rank)
    base = (file for file in own if file.path.name in ("libc.so.6", "libstdc++.so.6"))
    looked_at = {file.path: file for file in chain(command, base, made[:FILES_MAX])}
    levels: dict[str, list[str]] = {}
    flags: dict[str, list[str]] = {}
    protections: Counter[str] = Counter()
    for file in looked_at.values():
        try:
            _read_notes(file, levels, protections)
            for flag in _recorded_flags(file.elf):
                flags.setdefault(flag, []).append(str(file.path))
        except ImageError as exc:
            found.problems.tell(file.path, exc)
    signs = [*_needed(levels), *_baseline(os, arch), *_variants(own), *_hints(own, flags)]
    return Processor(tuple(signs[:_SIGNS_MAX]), dict(sorted(protections.items())))


def _read_notes(file: ElfFile, levels: dict[str, list[str]], protections: "Counter[str]") -> None:
    for kind, bits in _properties(file.elf):
        if kind == _X86_NEEDED:
            highest = [level for bit, level in _X86_LEVELS.items() if bits & bit][-1:]
            for level in highest:
                levels.setdefault(level, []).append(str(file.path))
        names: Mapping[int, str] = {
            _X86_FEATURES: _X86_PROTECTIONS,
            _ARM_FEATURES: _ARM_PROTECTIONS,
        }.get(kind, {})
        protections.update(name for bit, name in names.items() if bits & bit)


def _properties(elf: "Elf") -> Iterator[tuple[int, int]]:
    """Yield the properties of four bytes in .note.gnu.property."""
    order = elf.layout.order
    for note in elf.notes():
        if note.owner != _OWNER or note.kind != _PROPERTY:
            continue
        at = 0
        while at + 8 <= len(note.content):
            kind, size = struct.unpack_from(f"{order}II", note.content, at)
            if size == 4 and at + 12 <= len(note.content):  # noqa: PLR2004
                yield kind, struct.unpack_from(f"{order}I", note.content, at + 8)[0]
            at += 8 + size + -size % (8 if elf.is_wide else 4)


def _recorded_flags(elf: "Elf") -> set[str]:
    """Return targets out of `-frecord-gcc-switches`."""
    place = elf.section_place(b".GCC.command.line")
    if place is None:
        return set()
    text = elf.file.read_at(place[0], min(place[1], _SECTION_MAX))
    return {match.decode("ascii") for match in _FLAG.findall(text)}


def _needed(levels: dict[str, list[str]]) -> Iterator[LevelSign]:
    for level in sorted(levels, reverse=True):
        paths = levels[level]
        yield LevelSign(
            level=level,
            is_needed=True,
            n_files=len(paths),
            evidence=f"GNU_PROPERTY_X86_ISA_1_NEEDED in {paths[0]}",
        )


def _baseline(os: OsRelease | None, arch: str) -> Iterator[LevelSign]:
    if os is None:
        return
    ids = (known(os.id) or "", *os.like)
    found = distribution_baseline(ids, known(os.version) or "", arch)
    if found is not None:
        level, _ = found
        name = f"{os.id} {known(os.version) or ''}".strip()
        yield LevelSign(
            level=level,
            is_needed=True,
            evidence=f"what {name} builds for ({os.path})",
            certainty=Certainty.LIKELY,
        )


def _variants(own: Iterable[ElfFile]) -> Iterator[LevelSign]:
    """Yield the folders in which newer processors find copies of their own."""
    paths: dict[str, list[str]] = {}
    for file in own:
        if match := _LEVEL_FOLDER.search(str(file.path)):
            paths.setdefault(match[1].replace("-", "_"), []).append(str(file.path))
    for level, found in sorted(paths.items()):
        yield LevelSign(level=level, is_needed=False, n_files=len(found), evidence=found[0])


def _hints(own: Iterable[ElfFile], flags: dict[str, list[str]]) -> Iterator[LevelSign]:
    """Yield targets that folders and recorded flags name, as far as processors.yaml knows them."""
    paths: dict[str, list[str]] = {}
    for file in own:
        for pattern in (_SPACK, _EESSI):
            if match := pattern.search(str(file.path)):
                paths.setdefault(match[1], []).append(str(file.path))
    for level, found in sorted(_known_targets(paths).items()):
        yield _hint(level, found, f"folder of {found[0]}")
    for level, found in sorted(_known_targets(flags).items()):
        yield _hint(level, found, f"compiler flag recorded in {found[0]}")


def _hint(level: str, paths: list[str], evidence: str) -> LevelSign:
    certainty = Certainty.HINT
    return LevelSign(
        level=level, is_needed=True, n_files=len(paths), evidence=evidence, certainty=certainty
    )


def _known_targets(found: dict[str, list[str]]) -> dict[str, list[str]]:
    rows = ((processor(name), paths) for name, paths in found.items())
    return {row.name: paths for row, paths in rows if row is not None}
