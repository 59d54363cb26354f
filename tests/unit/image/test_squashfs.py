"""The squashfs reader: content comes back as it went in, and lies end in an image error."""

import lzma
import random
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import lz4.block
import pytest
import zstandard

from hpcrun.image import squashfs_layout
from hpcrun.image.errors import ImageError, UnsupportedError
from hpcrun.image.problems import Problems
from hpcrun.image.squashfs import Squashfs
from hpcrun.image.tree import ROOT, Found, Kind, read_text, resolve, resolve_file, walk
from tests.fakes.memory_file import opened
from tests.fakes.squashfs_builder import (
    GZIP,
    LZ4,
    LZO,
    XZ,
    ZSTD,
    File,
    Link,
    Tree,
    build_squashfs,
)

LONG = bytes(range(256)) * 50
TREE: dict[str, Tree] = {
    "bin": Link("usr/bin"),
    "empty": {},
    "usr": {
        "bin": {"tool": File(b"#!/bin/sh\n"), "again": Link("../bin/tool")},
        "lib": {"long": LONG, "hole": bytes(4096 * 3) + b"end", "none": b""},
    },
}

CODECS: list[tuple[int, Callable[[bytes], bytes]]] = [
    (GZIP, zlib.compress),
    (XZ, lambda data: lzma.compress(data, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32)),
    (ZSTD, zstandard.ZstdCompressor().compress),
    (LZ4, lambda data: lz4.block.compress(data, store_size=False)),
]


@pytest.mark.parametrize(("compressor", "compress"), CODECS, ids=["gzip", "xz", "zstd", "lz4"])
@pytest.mark.parametrize("use_fragments", [True, False], ids=["fragments", "whole-blocks"])
def test_file_reads_back_whole_and_in_parts(
    compressor: int, compress: Callable[[bytes], bytes], use_fragments: bool
) -> None:
    image = build_squashfs(
        TREE, compressor=compressor, compress=compress, use_fragments=use_fragments
    )
    with opened(image) as extent:
        root = Squashfs(extent).root
        long = resolve_file(root, "/usr/lib/long")
        hole = resolve_file(root, "/usr/lib/hole")
        assert long is not None
        assert hole is not None
        assert long.node.size == len(LONG)
        assert long.node.read_at(0, 1 << 20) == LONG
        assert long.node.read_at(4090, 20) == LONG[4090:4110]
        assert long.node.read_at(0, 4) == LONG[:4]
        assert long.node.read_at(len(LONG) - 3, 10) == LONG[-3:]
        assert long.node.read_at(len(LONG) + 5, 10) == b""
        assert hole.node.read_at(0, 1 << 20) == bytes(4096 * 3) + b"end"


def test_links_resolve_inside_the_tree() -> None:
    with opened(build_squashfs(TREE)) as extent:
        found = resolve_file(Squashfs(extent).root, "/bin/again")
        assert found is not None
        assert str(found.path) == "/usr/bin/tool"
        assert read_text(found.node, limit=100) == "#!/bin/sh\n"
        assert found.node.is_executable


def test_walk_yields_each_file_and_link_once() -> None:
    problems = Problems()
    with opened(build_squashfs(TREE)) as extent:
        entries = walk(
            Found(ROOT, Squashfs(extent).root),
            depth_max=8,
            entries_max=100,
            skip=lambda _: False,
            problems=problems,
        )
        found = {str(entry.path): entry.node.kind for entry in entries}
    assert problems.lines == ()
    assert found == {
        "/bin": Kind.LINK,
        "/usr/bin/again": Kind.LINK,
        "/usr/bin/tool": Kind.FILE,
        "/usr/lib/hole": Kind.FILE,
        "/usr/lib/long": Kind.FILE,
        "/usr/lib/none": Kind.FILE,
    }


def test_folder_of_many_entries_spans_metadata_blocks() -> None:
    names = {f"file-{number:05}": str(number).encode() for number in range(3000)}
    with opened(build_squashfs({"many": names})) as extent:
        many = resolve(Squashfs(extent).root, "/many")
        assert many is not None
        assert set(many.node.entries()) == set(names)
        assert many.node.entries()["file-02999"].read_at(0, 10) == b"2999"


def test_name_that_is_not_utf8_is_spelled_out() -> None:
    image = build_squashfs({"abc": b"x"}, compress=lambda data: data)
    with opened(image.replace(b"abc", b"a\xff\xfe", 1)) as extent:
        assert list(Squashfs(extent).root.entries()) == ["a\\xff\\xfe"]


def test_block_that_inflates_beyond_its_size_is_refused_without_inflating_it() -> None:
    content = random.Random(1).randbytes(100_000)
    bomb = zlib.compress(bytes(64 << 20), 9)
    image = build_squashfs(
        {"big": content},
        compress=lambda data: bomb if data == content else zlib.compress(data),
        block_size=1 << 17,
        use_fragments=False,
    )
    with opened(image) as extent:
        node = Squashfs(extent).root.entries()["big"]
        tracemalloc.start()
        with pytest.raises(ImageError, match="inflates beyond"):
            node.read_at(0, len(content))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2 << 20


def test_folder_that_contains_itself_is_walked_once() -> None:
    image = bytearray(build_squashfs({"a": {"b": b"x"}}, compress=lambda data: data))
    superblock = squashfs_layout.Superblock.parse(bytes(image))
    listing = superblock.directory_table + 2
    # The listing of `a` comes first; its entry `b` becomes a folder that is `a` itself.
    entry = struct.unpack_from("<HhHH", image, listing + 12)
    outer = struct.unpack_from("<HhHH", image, listing + 12 + 8 + 1 + 12)
    struct.pack_into("<HhHH", image, listing + 12, outer[0], 0, 1, entry[3])
    with opened(bytes(image)) as extent:
        problems = Problems()
        entries = walk(
            Found(ROOT, Squashfs(extent).root),
            depth_max=100,
            entries_max=1000,
            skip=lambda _: False,
            problems=problems,
        )
        assert list(entries) == []
        assert problems.lines == ()


def test_lzo_is_unsupported_and_says_so() -> None:
    image = build_squashfs({"a": b"x"}, compressor=LZO)
    with opened(image) as extent, pytest.raises(UnsupportedError, match="lzo"):
        Squashfs(extent)


@pytest.mark.parametrize(
    ("fields", "offset", "value", "said"),
    [
        ("<I", 0, 0, "no squashfs"),
        ("<I", 12, 3000, "block size"),
        ("<I", 12, 1 << 30, "block size"),
        ("<H", 20, 99, "compressor"),
        ("<H", 28, 3, "version"),
        ("<Q", 40, 1 << 40, "partition has only"),
    ],
)
def test_lying_superblock_is_refused(fields: str, offset: int, value: int, said: str) -> None:
    image = bytearray(build_squashfs({"a": b"x"}))
    struct.pack_into(fields, image, offset, value)
    with opened(bytes(image)) as extent, pytest.raises(ImageError, match=said):
        Squashfs(extent)


def test_walk_with_too_many_entries_stops_and_tells() -> None:
    names = {f"{number}": b"" for number in range(50)}
    problems = Problems()
    with opened(build_squashfs(names)) as extent:
        found = walk(
            Found(ROOT, Squashfs(extent).root),
            depth_max=8,
            entries_max=20,
            skip=lambda _: False,
            problems=problems,
        )
        assert list(found) == []
    assert problems.lines == ("more than 20 files below /: the rest is not read",)
