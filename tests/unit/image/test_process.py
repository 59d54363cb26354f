"""What the dynamic loader would take, in its order of places (ld.so(8), elf/dl-load.c)."""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath

import pytest

from hpcrun.image.elf import read_elf
from hpcrun.image.errors import ImageError
from hpcrun.image.ld_cache import read_ld_cache
from hpcrun.image.library_places import LibraryPlaces
from hpcrun.image.process import Process
from hpcrun.image.squashfs import Squashfs
from hpcrun.image.survey import ElfFile
from hpcrun.image.tree import Node, resolve_file
from tests.fakes.elf_builder import AARCH64, ElfBuilder
from tests.fakes.memory_file import opened
from tests.fakes.squashfs_builder import File, Link, Tree, build_squashfs, nested

LIB = "usr/lib/x86_64-linux-gnu"
GLIBC, MUSL = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"
Files = Mapping[str, Tree]


def library(name: str, *needed: str, **more: str) -> bytes:
    return ElfBuilder(soname=name, needed=needed, **more).build()  # type: ignore[arg-type]


def program(*needed: str, interpreter: str = GLIBC, **more: str) -> File:
    builder = ElfBuilder(interpreter=interpreter, needed=needed, **more)  # type: ignore[arg-type]
    return File(builder.build())


def cache(*entries: tuple[str, str, int], has_old: bool = False) -> bytes:
    """Return an ld.so.cache with these names, paths and processor levels."""
    old = b"ld.so-1.7.0\0" + struct.pack("<I", 1) + bytes(12) + bytes(4) if has_old else b""
    strings, table = b"", b""
    start = 48 + 24 * len(entries)
    for name, path, levels in entries:
        at = [start + len(strings), start + len(strings) + len(name) + 1]
        strings += name.encode() + b"\0" + path.encode() + b"\0"
        table += struct.pack("<iIIIQ", 0x303, *at, 0, levels)
    head = b"glibc-ld.so.cache1.1" + struct.pack("<II", len(entries), len(strings)) + bytes(20)
    return old + head + table + strings


@contextmanager
def tree_of(files: Files) -> Iterator[Node]:
    with opened(build_squashfs(nested(files))) as extent:
        yield Squashfs(extent).root


def loaded(files: Files, *, library_path: tuple[str, ...] = ()) -> dict[str, tuple[str, str]]:
    """Return path and rule of all that /app/run gets, by name, without its interpreter."""
    with tree_of(files) as root:
        found = resolve_file(root, "/app/run")
        assert found is not None
        elf = read_elf(found.node)
        assert elf is not None
        file = ElfFile(PurePosixPath("/app/run"), found.node, elf)
        process = Process(LibraryPlaces(root), file, library_path=library_path)
        process.start()
        return {
            each.name: (str(each.file.path) if each.file else "", each.rule)
            for each in process.loaded
            if "ld-" not in each.name
        }


A = library("liba.so.1")


@pytest.mark.parametrize(
    ("more", "library_path", "expected"),
    [
        ({"rpath": "/r"}, ("/l",), ("/r/liba.so.1", "RPATH of /app/run")),
        ({"runpath": "/r"}, ("/l",), ("/l/liba.so.1", "LD_LIBRARY_PATH")),
        ({"runpath": "/r"}, (), ("/r/liba.so.1", "RUNPATH of /app/run")),
        ({"rpath": "/l", "runpath": "/r"}, (), ("/r/liba.so.1", "RUNPATH of /app/run")),
        ({"rpath": "$ORIGIN/../r"}, (), ("/r/liba.so.1", "RPATH of /app/run")),
        ({"rpath": "${ORIGIN}/own"}, (), ("/app/own/liba.so.1", "RPATH of /app/run")),
        ({"rpath": "/p/$PLATFORM"}, (), ("/p/x86_64/liba.so.1", "RPATH of /app/run")),
        ({"rpath": "/p/$LIB"}, (), ("/p/lib/x86_64-linux-gnu/liba.so.1", "RPATH of /app/run")),
        ({}, (), ("/cached/liba.so.1", "/etc/ld.so.cache")),
    ],
)
def test_places_are_searched_in_the_loaders_order(
    more: dict[str, str], library_path: tuple[str, ...], expected: tuple[str, str]
) -> None:
    folders = ("r", "l", "app/own", "p/x86_64", "p/lib/x86_64-linux-gnu", "cached", LIB)
    files: dict[str, Tree] = {f"{folder}/liba.so.1": A for folder in folders}
    files["app/run"] = program("liba.so.1", **more)
    files["etc/ld.so.cache"] = cache(("liba.so.1", "/cached/liba.so.1", 0))
    assert loaded(files, library_path=library_path)["liba.so.1"] == expected


def test_rpath_is_inherited_from_what_asks_and_runpath_is_not() -> None:
    files: dict[str, Tree] = {"deep/libb.so.1": library("libb.so.1")}
    for kind, expected in (("rpath", "/deep/libb.so.1"), ("runpath", "")):
        files["deep/liba.so.1"] = library("liba.so.1", "libb.so.1")
        files["app/run"] = program("liba.so.1", **{kind: "/deep"})
        assert loaded(files)["libb.so.1"][0] == expected, kind


def test_library_with_a_runpath_inherits_no_rpath() -> None:
    files: dict[str, Tree] = {
        "deep/libb.so.1": library("libb.so.1"),
        "deep/liba.so.1": library("liba.so.1", "libb.so.1", runpath="/elsewhere"),
        "app/run": program("liba.so.1", rpath="/deep"),
    }
    assert loaded(files)["libb.so.1"] == ("", "")


def test_library_is_loaded_once_by_name_however_it_is_asked_for_again() -> None:
    files: dict[str, Tree] = {
        "one/libc0.so": library("libc0.so"),
        "two/libc0.so": library("libc0.so"),
        "one/liba.so": library("liba.so", "libc0.so", runpath="/two"),
        "app/run": program("libc0.so", "liba.so", runpath="/one"),
    }
    assert loaded(files)["libc0.so"][0] == "/one/libc0.so"


def test_library_of_another_processor_is_passed_over() -> None:
    files: dict[str, Tree] = {
        "r/liba.so.1": ElfBuilder(machine=AARCH64, soname="liba.so.1").build(),
        f"{LIB}/liba.so.1": A,
        "app/run": program("liba.so.1", rpath="/r"),
    }
    assert loaded(files)["liba.so.1"][0] == f"/{LIB}/liba.so.1"


def test_folder_of_ld_so_conf_counts_only_once_ldconfig_has_run() -> None:
    files: dict[str, Tree] = {
        "opt/lib/liba.so.1": A,
        "etc/ld.so.conf": b"/opt/lib\n",
        "etc/ld.so.cache": cache(("libz.so.1", "/z", 0)),
        "app/run": program("liba.so.1"),
    }
    assert loaded(files)["liba.so.1"] == ("/opt/lib/liba.so.1", "ld.so.conf")
    files["etc/ld.so.cache"] = cache(("liba.so.1", "/opt/lib/liba.so.1", 0))
    assert loaded(files)["liba.so.1"] == ("/opt/lib/liba.so.1", "/etc/ld.so.cache")


def test_copy_for_newer_processors_is_told_beside_the_plain_one() -> None:
    files: dict[str, Tree] = {
        "r/liba.so.1": A,
        "r/glibc-hwcaps/x86-64-v3/liba.so.1": A,
        "app/run": program("liba.so.1", rpath="/r"),
    }
    with tree_of(files) as root:
        found = resolve_file(root, "/app/run")
        assert found is not None
        elf = read_elf(found.node)
        assert elf is not None
        process = Process(LibraryPlaces(root), ElfFile(found.path, found.node, elf))
        process.start([("libpre.so", "LD_PRELOAD")])
    by_name = {each.name: each for each in process.loaded}
    assert by_name["liba.so.1"].levels == ("x86-64-v3",)
    assert by_name["libpre.so"].rule == "LD_PRELOAD"


@pytest.mark.parametrize(
    ("conf", "expected"),
    [
        (None, ("/usr/local/lib/liba.so.1", "the loader's own folders")),
        (b"/musl\n/usr/local/lib\n", ("/musl/liba.so.1", "/etc/ld-musl-x86_64.path")),
    ],
)
def test_musl_has_places_of_its_own(conf: bytes | None, expected: tuple[str, str]) -> None:
    files: dict[str, Tree] = {
        "musl/liba.so.1": A,
        "usr/local/lib/liba.so.1": A,
        "etc/ld.so.conf": b"/nowhere\n",
        "app/run": program("liba.so.1", "libc.musl-x86_64.so.1", interpreter=MUSL),
    }
    if conf is not None:
        files["etc/ld-musl-x86_64.path"] = conf
    assert loaded(files) == {"liba.so.1": expected}


def test_musl_inherits_runpath_behind_library_path() -> None:
    files: dict[str, Tree] = {
        "deep/liba.so.1": library("liba.so.1", "libb.so.1"),
        "deep/libb.so.1": library("libb.so.1"),
        "path/liba.so.1": library("liba.so.1", "libb.so.1"),
        "app/run": program("liba.so.1", runpath="/deep", interpreter=MUSL),
    }
    found = loaded(files, library_path=("/path",))
    assert (found["liba.so.1"][0], found["libb.so.1"][0]) == (
        "/path/liba.so.1",
        "/deep/libb.so.1",
    )


def test_links_that_lead_in_a_circle_are_not_found() -> None:
    files: dict[str, Tree] = {
        "r/liba.so.1": Link("liba.so.2"),
        "r/liba.so.2": Link("liba.so.1"),
        "app/run": program("liba.so.1", rpath="/r"),
    }
    assert loaded(files)["liba.so.1"] == ("", "")


@pytest.mark.parametrize("has_old", [False, True])
def test_cache_is_read_in_both_formats(*, has_old: bool) -> None:
    entries = (("liba.so", "/b/liba.so", 1 << 62), ("liba.so", "/a/liba.so", 0))
    with tree_of({"etc/ld.so.cache": cache(*entries, has_old=has_old)}) as root:
        found = read_ld_cache(root)
    assert found is not None
    assert [(each.path, each.is_for_some) for each in found["liba.so"]] == [
        ("/b/liba.so", True),
        ("/a/liba.so", False),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"glibc-ld.so.cache1.1",
        b"ld.so-1.7.0\0" + b"\xff" * 60,
        cache(("a", "b", 0))[:-1],
        cache(("a", "b", 0))[:20] + b"\xff" * 4 + cache(("a", "b", 0))[24:],
    ],
)
def test_damaged_cache_is_told(content: bytes) -> None:
    with tree_of({"etc/ld.so.cache": content}) as root, pytest.raises(ImageError):
        read_ld_cache(root)
