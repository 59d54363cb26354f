"""Images made by squashfs-tools: our reader sees what was put in, and what unsquashfs lists."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from hpcrun.image.extent import open_extent
from hpcrun.image.problems import Problems
from hpcrun.image.squashfs import Squashfs
from hpcrun.image.tree import ROOT, Found, Kind, resolve, walk

OPTIONS = {
    "gzip": ("-comp", "gzip"),
    "xz": ("-comp", "xz"),
    "xz-bcj": ("-comp", "xz", "-Xbcj", "x86"),
    "zstd": ("-comp", "zstd"),
    "lz4": ("-comp", "lz4"),
    "small-blocks": ("-comp", "gzip", "-b", "4096"),
    "large-blocks": ("-comp", "gzip", "-b", "1M"),
    "no-fragments": ("-comp", "gzip", "-no-fragments"),
    "all-fragments": ("-comp", "gzip", "-always-use-fragments"),
    "uncompressed": ("-noI", "-noD", "-noF", "-noX"),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with everything that a file system may hold."""
    root = tmp_path_factory.mktemp("source")
    noise = random.Random(7)
    (root / "many").mkdir()
    for number in range(4000):
        (root / "many" / f"file-{number:04}-{'n' * (number % 90)}").write_bytes(b"%d" % number)
    deep = root.joinpath(*(f"level{number}" for number in range(30)))
    deep.mkdir(parents=True)
    (deep / "bottom").write_text("deep")
    (root / "random").write_bytes(noise.randbytes(1_500_000))
    (root / "text").write_bytes(b"the same line again\n" * 100_000)
    (root / "empty").touch()
    with (root / "sparse").open("wb") as file:
        file.seek(3_000_000)
        file.write(b"end")
    (root / "tool").write_text("#!/bin/sh\n")
    (root / "tool").chmod(0o755)
    os.link(root / "random", root / "hard-link")
    (root / "link").symlink_to("/many/file-0001-n")
    (root / "dangling").symlink_to("nowhere")
    os.mkfifo(root / "pipe")
    return root


def pack(source: Path, image: Path, *options: str) -> Path:
    """Make an image, or skip the test where the tool is missing."""
    if shutil.which("mksquashfs") is None:
        pytest.skip("mksquashfs is not installed (package squashfs-tools)")
    made = subprocess.run(
        ["mksquashfs", str(source), str(image), "-noappend", "-no-progress", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    if "Compressor" in made.stderr and "not supported" in made.stderr:
        pytest.skip(f"this mksquashfs lacks {options[1]}")
    assert made.returncode == 0, made.stderr
    return image


def read_all(image: Path) -> dict[str, bytes | str]:
    """Return every file's content and every link's target by path."""
    found: dict[str, bytes | str] = {}
    problems = Problems()
    with open_extent(image) as extent:
        for entry in walk(
            Found(ROOT, Squashfs(extent).root),
            depth_max=64,
            entries_max=100_000,
            skip=lambda _: False,
            problems=problems,
        ):
            path, node = entry.path, entry.node
            if node.kind is Kind.FILE:
                found[str(path)] = node.read_at(0, node.size)
            else:
                found[str(path)] = node.target() if node.kind is Kind.LINK else str(node.kind)
    assert problems.lines == ()
    return found


def contents_of(source: Path) -> dict[str, bytes | str]:
    """Return what the source folder holds, in the same form."""
    found: dict[str, bytes | str] = {}
    for path in source.rglob("*"):
        name = f"/{path.relative_to(source)}"
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file():
            found[name] = path.read_bytes()
        elif not path.is_dir():
            found[name] = "other"
    return found


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_image_reads_back_as_its_source(
    source: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    image = pack(source, tmp_path / "image.squashfs", *options)
    assert read_all(image) == contents_of(source)


def test_listing_agrees_with_unsquashfs(source: Path, tmp_path: Path) -> None:
    image = pack(source, tmp_path / "image.squashfs")
    listed = subprocess.run(
        ["unsquashfs", "-l", "-d", "", str(image)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    folders = {f"/{path.relative_to(source)}" for path in source.rglob("*") if path.is_dir()}
    assert {line for line in listed if line.startswith("/")} - folders == set(read_all(image))


def test_mode_and_links_come_through(source: Path, tmp_path: Path) -> None:
    image = pack(source, tmp_path / "image.squashfs")
    with open_extent(image) as extent:
        root = Squashfs(extent).root
        tool, text = resolve(root, "/tool"), resolve(root, "/text")
        linked, hard = resolve(root, "/link"), resolve(root, "/hard-link")
        assert tool is not None
        assert text is not None
        assert (tool.node.is_executable, text.node.is_executable) == (True, False)
        assert linked is not None
        assert str(linked.path) == "/many/file-0001-n"
        assert hard is not None
        assert hard.node.key == root.entries()["random"].key


def test_lzo_image_is_told_as_unsupported(source: Path, tmp_path: Path) -> None:
    from hpcrun.image.errors import UnsupportedError

    image = pack(source, tmp_path / "image.squashfs", "-comp", "lzo")
    with open_extent(image) as extent, pytest.raises(UnsupportedError, match="lzo"):
        Squashfs(extent)
