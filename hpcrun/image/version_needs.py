"""The highest symbol versions that a program with all that it loads needs, and who needs them."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from hpcrun.image.errors import ImageError
from hpcrun.image.linking import is_c_library
from hpcrun.image.survey import ElfFile
from hpcrun.model.base import UNKNOWN, Unknown
from hpcrun.model.command import VersionNeed
from hpcrun.tables.versions import version_key

Kind = Literal["GLIBC", "GLIBCXX", "CXXABI", "GCC"]
_KINDS: tuple[Kind, ...] = ("GLIBC", "GLIBCXX", "CXXABI", "GCC")


def find_version_needs(files: Iterable[ElfFile]) -> tuple[VersionNeed, ...]:
    """Return the highest need of each kind; of equal ones the first file's.

    The C library's own files are left out: they fit each other.
    """
    every = tuple(files)
    highest: dict[Kind, tuple[str, str, ElfFile]] = {}
    for file in every:
        if is_c_library(file.soname):
            continue
        for library, versions in file.elf.versions_needed.items():
            for name in versions:
                _note(highest, name, library, file)
    return tuple(
        VersionNeed(
            kind=kind,
            version=version,
            path=str(file.path),
            symbol=_symbol(file, f"{kind}_{version}"),
            evidence=f"verneed {kind}_{version} of {library} in {file.path}",
            library=library,
            **_answer(kind, version, [each for each in every if each.soname == library]),
        )
        for kind, (version, library, file) in sorted(highest.items(), key=_order)
    )


def _answer(kind: Kind, version: str, providers: Sequence[ElfFile]) -> dict[str, Any]:
    """Say whether the loaded library has a version; nothing where there is none, or several are."""
    if len(providers) != 1:
        return {}
    defined = providers[0].elf.versions_defined
    numbers = [each.removeprefix(f"{kind}_") for each in defined if each.startswith(f"{kind}_")]
    known = [number for number in numbers if number[:1].isdigit()]
    if not known:
        return {}
    return {"is_met": version in known, "offered": max(known, key=version_key)}


def _order(item: tuple[Kind, object]) -> int:
    return _KINDS.index(item[0])


def _note(
    highest: dict[Kind, tuple[str, str, ElfFile]], name: str, library: str, file: ElfFile
) -> None:
    prefix, _, version = name.rpartition("_")
    for kind in _KINDS:
        if prefix == kind and version[:1].isdigit():
            old = highest.get(kind)
            if old is None or version_key(version) > version_key(old[0]):
                highest[kind] = (version, library, file)


def _symbol(file: ElfFile, version: str) -> str | Unknown:
    """Return the first symbol that needs a version."""
    try:
        symbols = (s.name for s in file.elf.symbol_table if s.version == version)
        return next((name for name in symbols if name), UNKNOWN)
    except ImageError:
        return UNKNOWN
