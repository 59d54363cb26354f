"""Folders of the host in an image's tree: they hide what lies there, and stay inside the tree."""

from pathlib import Path, PurePosixPath

import pytest

from hpcrun.image.mounts import Mount, Surroundings, with_mounts
from hpcrun.image.squashfs import Squashfs
from hpcrun.image.tree import Node, resolve_file
from tests.fakes.memory_file import opened
from tests.fakes.squashfs_builder import build_squashfs, nested

IMAGE = nested({"opt/a": b"image", "opt/deep/b": b"image", "etc/c": b"image"})


def content_of(root: Node, path: str) -> str | None:
    found = resolve_file(root, path)
    return found.node.read_at(0, 100).decode() if found is not None else None


@pytest.fixture
def host(tmp_path: Path) -> Path:
    folder = tmp_path / "host"
    (folder / "deep").mkdir(parents=True)
    (folder / "a").write_text("host")
    (folder / "to-image").symlink_to("/etc/c")
    (folder / "loop").symlink_to("loop")
    return folder


@pytest.mark.parametrize(
    ("at", "path", "expected"),
    [
        ("/opt", "/opt/a", "host"),
        ("/opt", "/opt/deep/b", None),
        ("/opt/deep", "/opt/deep/a", "host"),
        ("/opt/deep", "/opt/a", "image"),
        ("/new/place", "/new/place/a", "host"),
        ("/new/place", "/etc/c", "image"),
        ("/new", "/new/to-image", "image"),
        ("/new", "/new/loop", None),
        ("/", "/opt/a", "image"),
    ],
)
def test_mount_shows_the_hosts_folder_and_hides_the_images(
    host: Path, at: str, path: str, expected: str | None
) -> None:
    with opened(build_squashfs(IMAGE)) as extent:
        root = with_mounts(Squashfs(extent).root, [Mount(PurePosixPath(at), host)])
        assert content_of(root, path) == expected


def test_mount_inside_a_mount_counts_at_its_place(host: Path, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a").write_text("inner")
    mounts = [
        Mount(PurePosixPath("/opt/deep"), tmp_path / "inner"),
        Mount(PurePosixPath("/opt"), host),
    ]
    with opened(build_squashfs(IMAGE)) as extent:
        root = with_mounts(Squashfs(extent).root, mounts)
        assert content_of(root, "/opt/a") == "host"
        assert content_of(root, "/opt/deep/a") == "inner"


@pytest.mark.parametrize("name", ["loop", "no-such"])
def test_mount_that_is_not_there_leaves_the_image_as_it_is(host: Path, name: str) -> None:
    with opened(build_squashfs(IMAGE)) as extent:
        root = with_mounts(Squashfs(extent).root, [Mount(PurePosixPath("/opt"), host / name)])
        assert content_of(root, "/opt/a") == "image"


def test_path_is_told_on_the_host_by_the_innermost_mount() -> None:
    around = Surroundings(
        None,
        (
            Mount(PurePosixPath("/data"), Path("/srv/data")),
            Mount(PurePosixPath("/data/x"), Path("/home/x")),
        ),
    )
    assert around.host_path(PurePosixPath("/data/x/y")) == Path("/home/x/y")
    assert around.host_path(PurePosixPath("/data/y")) == Path("/srv/data/y")
    assert around.host_path(PurePosixPath("/etc/y")) is None
