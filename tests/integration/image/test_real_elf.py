"""ELF files of this machine: our reader says what pyelftools says."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection
from elftools.elf.sections import SymbolTableSection

from hpcrun.image.elf import Elf, read_elf
from hpcrun.image.folder import FolderNode

PER_FOLDER = 60


def elf_files() -> Iterator[Path]:
    """Yield programs and libraries that any machine with this Python has."""
    libraries = Path(sys.base_prefix) / "lib"
    folders = [
        libraries,
        *libraries.glob("python3*/lib-dynload"),
        Path("/usr/bin"),
        *Path("/usr/lib").glob("*-linux-gnu"),
        Path("/usr/lib64"),
    ]
    for folder in folders:
        found = [path for path in sorted(folder.glob("*")) if is_elf(path)]
        yield from found[:PER_FOLDER]


def is_elf(path: Path) -> bool:
    """Whether a readable regular file starts as an ELF file does."""
    if path.is_symlink() or not path.is_file() or not os.access(path, os.R_OK):
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def said_by_ours(elf: Elf) -> dict[str, Any]:
    """Return what our reader says."""
    return {
        "interpreter": elf.interpreter,
        "needed": elf.needed,
        "soname": elf.soname,
        "rpath": elf.rpath,
        "runpath": elf.runpath,
        "symbols": dict(elf.symbols),
        "versions_needed": {name: set(found) for name, found in elf.versions_needed.items()},
        "versions_defined": set(elf.versions_defined),
        "symbol_table": {tuple(symbol) for symbol in elf.symbol_table},
        "notes": [(note.owner.decode(), len(note.content)) for note in elf.notes()],
        "sections": {name.decode(): place for name, place in elf.sections.items()},
    }


def said_by_pyelftools(path: Path) -> dict[str, Any]:
    """Return what pyelftools says, in the same form."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        tags: list[Any] = [
            tag
            for segment in elf.iter_segments()
            if isinstance(segment, DynamicSegment)
            for tag in segment.iter_tags()
        ]
        interpreters: list[Any] = list(elf.iter_segments("PT_INTERP"))
        interpreter = [segment.get_interp_name() for segment in interpreters]
        paths = {"rpath": "DT_RPATH", "runpath": "DT_RUNPATH"}
        return {
            "interpreter": next(iter(interpreter), None),
            "needed": tuple(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"),
            "soname": next((tag.soname for tag in tags if tag.entry.d_tag == "DT_SONAME"), None),
            **{
                name: tuple(
                    folder
                    for tag in tags
                    if tag.entry.d_tag == entry
                    for folder in getattr(tag, name).split(":")
                    if folder
                )
                for name, entry in paths.items()
            },
            **_symbols_and_versions(elf),
            "symbol_table": _symbol_table(elf),
            "notes": [
                (note.n_name, note.n_descsz)
                for segment in elf.iter_segments("PT_NOTE")
                for note in _notes(segment)
            ],
            "sections": {
                section.name: (section["sh_offset"], section["sh_size"])
                for section in reversed(list(elf.iter_sections()))
                if section.name and section["sh_type"] != "SHT_NOBITS"
            },
        }


def _notes(segment: Any) -> Iterator[Any]:
    yield from segment.iter_notes()


def _symbol_table(elf: Any) -> set[tuple[str, bool, bool, str | None]]:
    """Return name, whether defined, whether weak, and version of each dynamic symbol."""
    names: dict[int, str] = {}
    numbers: Any = None
    table: Any = None
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, auxiliaries in section.iter_versions():
                names |= {auxiliary["vna_other"]: auxiliary.name for auxiliary in auxiliaries}
        elif isinstance(section, GNUVerDefSection):
            versions = [(version.entry, list(found)) for version, found in section.iter_versions()]
            names |= {e["vd_ndx"]: found[0].name for e, found in versions if not e["vd_flags"] & 1}
        elif isinstance(section, GNUVerSymSection):
            numbers = section
        elif isinstance(section, SymbolTableSection) and section.name == ".dynsym":
            table = section
    return {
        (
            symbol.name,
            symbol.entry.st_shndx != "SHN_UNDEF",
            symbol.entry.st_info.bind == "STB_WEAK",
            names.get(_number(numbers, index)),
        )
        for index, symbol in enumerate(table.iter_symbols() if table else ())
        if symbol.name
    }


def _number(numbers: Any, index: int) -> int:
    if numbers is None:
        return 0
    number = numbers.get_symbol(index)["ndx"]
    return number & 0x7FFF if isinstance(number, int) else 0


def _symbols_and_versions(elf: Any) -> dict[str, Any]:
    symbols: dict[str, bool] = {}
    needed: dict[str, set[str]] = {}
    defined: set[str] = set()
    for section in elf.iter_sections():
        if isinstance(section, SymbolTableSection) and section.name == ".dynsym":
            symbols = _symbols(section)
        elif isinstance(section, GNUVerNeedSection):
            for version, names in section.iter_versions():
                needed.setdefault(str(version.name), set()).update(_strong(names))
        elif isinstance(section, GNUVerDefSection):
            versions = [(version.entry, list(names)) for version, names in section.iter_versions()]
            defined |= {names[0].name for entry, names in versions if not entry.vd_flags & 1}
    return {"symbols": symbols, "versions_needed": needed, "versions_defined": defined}


def _strong(versions: Any) -> Iterator[str]:
    """Yield the versions without which the loader stops."""
    yield from (each.name for each in versions if not each.entry.vna_flags & 2)


def _symbols(section: Any) -> dict[str, bool]:
    symbols: dict[str, bool] = {}
    for symbol in section.iter_symbols():
        is_defined = symbol.entry.st_shndx != "SHN_UNDEF"
        symbols[symbol.name] = symbols.get(symbol.name, False) or is_defined
    symbols.pop("", None)
    return symbols


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Return the files to compare."""
    found = list(dict.fromkeys(elf_files()))
    assert found
    return found


def test_real_elf_files_say_the_same_as_to_pyelftools(files: list[Path]) -> None:
    differing = []
    for path in files:
        elf = read_elf(FolderNode(path))
        assert elf is not None
        if said_by_ours(elf) != said_by_pyelftools(path):
            differing.append(str(path))
    assert differing == []
