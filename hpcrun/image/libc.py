"""The C library of a file tree, and what of it a file needs; does not compare the two."""

import re
from collections.abc import Iterable

from hpcrun.image.survey import ElfFile
from hpcrun.model.base import UNKNOWN, Unknown
from hpcrun.model.image import LibC

_GLIBC = re.compile(r"GLIBC_([0-9]+(?:\.[0-9]+)+)")
_MARKS = {"GLIBC_ABI_DT_RELR": "GLIBC_2.36"}
"""Versions without symbols, by which files tell what the loader must know (glibc 2.36, NEWS)."""
_GLIBC_FILE = re.compile(r"libc\.so\.6(\.1)?|libc-2\.[0-9]+\.so")
"""Before 2.34 libc.so.6 was a link to libc-2.x.so; on Alpha and IA-64 it is libc.so.6.1."""
_GLIBC_BANNER = re.compile(rb"GNU C Library [^\0]{0,200}release version ([0-9]+\.[0-9]+)")
_MUSL_VERSION = re.compile(rb"\0(1\.[0-9]+\.[0-9]+)(?=\0)")


def read_libc(elf_files: Iterable[ElfFile], arch: str) -> LibC:
    """Find the C library of the tree's architecture."""
    own = [file for file in elf_files if file.arch == arch]
    glibc = [file for file in own if _GLIBC_FILE.fullmatch(file.path.name)]
    if glibc:
        # The shortest path is the loader's own place; further copies lie in nested trees.
        file = min(glibc, key=lambda file: (len(file.path.parts), str(file.path)))
        return _read_glibc(file)
    musl = next((file for file in own if file.path.name.startswith("ld-musl-")), None)
    if musl is not None:
        return LibC(kind="musl", version=_musl_version(musl), evidence=str(musl.path))
    return LibC()


def _read_glibc(file: ElfFile) -> LibC:
    """Take the release that glibc names itself, else the highest version of its symbols.

    The two differ: libc.so.6 of 2.31 defines nothing newer than 2.30, its libpthread does.
    """
    if banner := _GLIBC_BANNER.search(file.elf.read_only_data()):
        version = banner.group(1).decode()
        evidence = f"{file.path} says `release version {version}`"
        return LibC(kind="glibc", version=version, evidence=evidence)
    highest = highest_glibc(file.elf.versions_defined)
    if highest is None:
        return LibC(kind="glibc", evidence=str(file.path))
    evidence = f"{file.path} defines up to GLIBC_{highest}"
    return LibC(kind="glibc", version=highest, evidence=evidence)


def highest_glibc(versions: Iterable[str]) -> str | None:
    """Return the highest x.y among symbol versions GLIBC_x.y, and those that stand for one."""
    named = (_MARKS.get(version, version) for version in versions)
    numbers = [match.group(1) for name in named if (match := _GLIBC.fullmatch(name))]
    return max(numbers, key=lambda text: tuple(map(int, text.split("."))), default=None)


def glibc_needed(elf_files: Iterable[ElfFile]) -> str | None:
    """Return the highest GLIBC_x.y that any of these files needs; None where none needs any."""
    return highest_glibc(
        version
        for file in elf_files
        for versions in file.elf.versions_needed.values()
        for version in versions
    )


def _musl_version(loader: ElfFile) -> str | Unknown:
    found = set(_MUSL_VERSION.findall(loader.elf.read_only_data()))
    return found.pop().decode() if len(found) == 1 else UNKNOWN
