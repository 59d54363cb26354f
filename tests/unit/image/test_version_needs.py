"""The highest symbol versions of a program with its closure, and which symbol needs each."""

from contextlib import ExitStack
from pathlib import PurePosixPath

import pytest

from hpcrun.image.elf import read_elf
from hpcrun.image.survey import ElfFile
from hpcrun.image.version_needs import find_version_needs
from hpcrun.model.base import UNKNOWN
from hpcrun.model.command import VersionNeed
from tests.fakes.elf_builder import ElfBuilder
from tests.fakes.memory_file import opened


def needs_of(built: dict[str, ElfBuilder]) -> tuple[VersionNeed, ...]:
    """Return the needs of some files that are loaded together."""
    files = []
    with ExitStack() as stack:
        for path, builder in built.items():
            extent = stack.enter_context(opened(builder.build()))
            elf = read_elf(extent)
            assert elf is not None
            files.append(ElfFile(PurePosixPath(path), extent, elf))  # type: ignore[arg-type]
        return find_version_needs(files)


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        ([("GLIBC_2.2.5", "GLIBC_2.36")], (False, "2.36")),
        ([("GLIBC_2.2.5", "GLIBC_2.38", "GLIBC_PRIVATE")], (True, "2.38")),
        ([("GLIBC_2.2.5", "GLIBC_2.39")], (False, "2.39")),
        ([("OTHER_1.0",)], (UNKNOWN, None)),
        ([], (UNKNOWN, None)),
        ([("GLIBC_2.36",), ("GLIBC_2.38",)], (UNKNOWN, None)),
    ],
)
def test_need_is_held_against_the_library_that_is_loaded(
    offered: list[tuple[str, ...]], expected: tuple[object, str | None]
) -> None:
    files = {"/app/run": ElfBuilder(verneed={"libc.so.6": ("GLIBC_2.38",)})}
    for number, versions in enumerate(offered):
        files[f"/{number}/libc.so.6"] = ElfBuilder(soname="libc.so.6", verdef=versions)
    (need,) = needs_of(files)
    assert (need.library, need.is_met, need.offered) == ("libc.so.6", *expected)


def test_weak_version_is_no_need() -> None:
    weak = ElfBuilder(
        verneed={"libc.so.6": ("GLIBC_2.34", "GLIBC_2.38")}, weak_versions=("GLIBC_2.38",)
    )
    (need,) = needs_of({"/app/run": weak, "/lib/libx.so": ElfBuilder()})
    assert need.version == "2.34"


def test_highest_need_of_each_kind_names_its_file() -> None:
    built = {
        "/app/run": ElfBuilder(
            verneed={"libc.so.6": ("GLIBC_2.9", "GLIBC_2.34"), "libstdc++.so.6": ("GLIBCXX_3.4.9",)}
        ),
        "/lib/liba.so": ElfBuilder(
            verneed={
                "libc.so.6": ("GLIBC_2.34", "GLIBC_PRIVATE"),
                "libstdc++.so.6": ("GLIBCXX_3.4.30", "CXXABI_1.3.13"),
                "libgcc_s.so.1": ("GCC_3.0",),
            }
        ),
        "/lib/libm.so.6": ElfBuilder(soname="libm.so.6", verneed={"libc.so.6": ("GLIBC_2.99",)}),
    }
    found = needs_of(built)
    needs = [(need.kind, need.version, need.path) for need in found]
    assert needs == [
        ("GLIBC", "2.34", "/app/run"),
        ("GLIBCXX", "3.4.30", "/lib/liba.so"),
        ("CXXABI", "1.3.13", "/lib/liba.so"),
        ("GCC", "3.0", "/lib/liba.so"),
    ]
