"""Paths in a folder tree: links stay inside, loops end, special files are left alone."""

import os
from pathlib import Path

import pytest

from hpcrun.image.errors import ImageError
from hpcrun.image.folder import FolderNode
from hpcrun.image.problems import Problems
from hpcrun.image.tree import ROOT, Found, Kind, resolve, resolve_file, walk


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("host")
    root = tmp_path / "image"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "secret").write_text("image")
    return root


def test_absolute_link_starts_at_the_image_root(image: Path) -> None:
    (image / "link").symlink_to("/etc/secret")
    found = resolve_file(FolderNode(image), "/link")
    assert found is not None
    assert found.node.read_at(0, 10) == b"image"


def test_dots_stop_at_the_image_root(image: Path) -> None:
    (image / "link").symlink_to("../../../../secret")
    assert resolve(FolderNode(image), "/link") is None
    assert resolve(FolderNode(image), "/../../../etc/secret") is not None


def test_folder_link_out_of_the_image_is_not_followed(image: Path) -> None:
    (image / "up").symlink_to(image.parent)
    assert resolve(FolderNode(image), "/up/secret") is None


@pytest.mark.parametrize("target", ["loop", "/loop", "./loop", "loop/loop"])
def test_link_loop_leads_nowhere(image: Path, target: str) -> None:
    (image / "loop").symlink_to(target)
    assert resolve(FolderNode(image), "/loop") is None


def test_relative_path_starts_where_it_is_said_to(image: Path) -> None:
    root = FolderNode(image)
    etc = resolve(root, "/etc")
    assert etc is not None
    assert resolve(root, "secret", start=etc) is not None
    assert resolve(root, "../etc/secret", start=etc) is not None


def test_path_of_too_many_components_is_refused(image: Path) -> None:
    with pytest.raises(ImageError, match="components"):
        resolve(FolderNode(image), "/etc/.." * 400)


def test_special_files_are_never_opened(image: Path) -> None:
    os.mkfifo(image / "pipe")
    pipe = FolderNode(image).entries()["pipe"]
    assert pipe.kind is Kind.OTHER
    with pytest.raises(ImageError, match="regular"):
        pipe.read_at(0, 1)


def test_file_replaced_by_a_link_after_listing_is_not_followed(image: Path) -> None:
    node = FolderNode(image).entries()["etc"].entries()["secret"]
    (image / "etc" / "secret").unlink()
    (image / "etc" / "secret").symlink_to(image.parent / "secret")
    with pytest.raises(ImageError, match="cannot read"):
        node.read_at(0, 10)


def test_walk_of_deep_tree_tells_what_it_left_out(image: Path) -> None:
    (image / "a" / "b" / "c").mkdir(parents=True)
    (image / "a" / "b" / "c" / "file").write_text("x")
    problems = Problems()
    found = walk(
        Found(ROOT, FolderNode(image)),
        depth_max=2,
        entries_max=100,
        skip=lambda _: False,
        problems=problems,
    )
    assert [str(entry.path) for entry in found] == ["/etc/secret"]
    assert problems.lines == ("folders more than 2 deep below / are not read",)
