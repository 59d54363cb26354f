"""Layers laid over each other: our merged tree is what Apptainer's unpacker, umoci, makes of it."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from hpcrun.image.open_image import open_image
from hpcrun.image.problems import Problems
from hpcrun.image.tree import ROOT, Found, Kind, walk
from tests.fakes.oci_builder import (
    AMD64,
    Entry,
    Layout,
    build_tar,
    config,
    hard_link,
    write_layout,
)
from tests.fakes.squashfs_builder import File, Link

LAYERS: tuple[dict[str, Entry], ...] = (
    {
        "usr/": None,
        "usr/lib/": None,
        "usr/lib/a.so": File(b"\x7fELF one"),
        "lib": Link("usr/lib"),
        "opt/old/x": b"1",
        "opt/old/deep/y": b"1",
        "etc/gone": b"1",
        "etc/stays": b"1",
        "etc/file-then-folder": b"1",
        "srv/opaque/below": b"1",
        "hard": b"one file",
        "harder": hard_link("hard"),
    },
    {
        "lib/b.so": b"through the link",
        "opt/.wh.old": b"",
        "etc/.wh.gone": b"",
        "etc/file-then-folder/": None,
        "etc/file-then-folder/new": b"2",
        "srv/opaque/": None,
        "srv/opaque/.wh..wh..opq": b"",
        "srv/opaque/above": b"2",
        "n" * 120 + "/" + "m" * 120: b"long",
    },
    {"opt/old/x": b"3", "usr/lib/a.so": b"three", "etc/stays": Link("../hard")},
)


def listed_by_ours(layout: Path) -> dict[str, str]:
    problems = Problems()
    with open_image(layout, arch="x86_64") as image:
        assert image.root is not None
        entries = walk(
            Found(ROOT, image.root),
            depth_max=64,
            entries_max=1000,
            skip=lambda _: False,
            problems=problems,
        )
        found = {
            str(each.path): each.node.target()
            if each.node.kind is Kind.LINK
            else each.node.read_at(0, each.node.size).decode()
            for each in entries
        }
    assert problems.lines == ()
    return found


def listed_in(folder: Path) -> dict[str, str]:
    found = {}
    for path in folder.rglob("*"):
        name = f"/{path.relative_to(folder)}"
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file():
            found[name] = path.read_text()
    return found


def test_merged_tree_is_what_umoci_unpacks(tmp_path: Path) -> None:
    if shutil.which("umoci") is None:
        pytest.skip("umoci is not installed (package umoci)")
    layout = Layout()
    layers = [build_tar(layer) for layer in LAYERS]
    digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    said = {**config(AMD64), "rootfs": {"type": "layers", "diff_ids": digests}}
    entry = layout.manifest(layers, said)
    entry["annotations"] = {"org.opencontainers.image.ref.name": "tag"}
    folder = write_layout(tmp_path / "layout", layout.finished(entry))
    bundle = tmp_path / "bundle"
    command = ["umoci", "unpack", "--rootless", "--image", f"{folder}:tag", str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert listed_by_ours(folder) == listed_in(bundle / "rootfs")
