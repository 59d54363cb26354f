"""What is cached is whole, or not there."""

import os
import tempfile
from pathlib import Path

import pytest

from hpcrun.sandbox.cache import SCRATCH, empty, keep, mounts_below, recipe_key
from hpcrun.sandbox.namespace import IdMaps

NOBODY = IdMaps(uids=(), gids=(), is_privileged=True)


def test_second_time_is_found_and_not_built(tmp_path: Path) -> None:
    built = []

    def build(new: Path) -> None:
        built.append(new)
        new.mkdir()

    first = keep(tmp_path / "cache", "x", NOBODY, build)
    assert keep(tmp_path / "cache", "x", NOBODY, build) == first
    assert len(built) == 1


def test_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def build(new: Path) -> None:
        new.mkdir()
        (new / "half").touch()
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        keep(tmp_path, "x", NOBODY, build)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_build_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-old").mkdir()
    keep(tmp_path, "x", NOBODY, lambda new: new.mkdir())
    assert [found.name for found in tmp_path.iterdir()] == ["x"]


def test_nothing_of_killed_builds_of_images_outlives_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    images, key = tmp_path / "cache" / "images", "0123456789abcdef"
    (images / f"openmpi-{key}.1234" / "root").mkdir(parents=True)
    (images / f"openmpi-{key}.sif").touch()
    dead, alive = (
        Path(tempfile.gettempdir(), f"{SCRATCH}{pid}.x") for pid in ("none", os.getpid())
    )
    for folder in (dead, alive):
        folder.mkdir()
    empty(tmp_path / "cache", NOBODY)
    assert not images.exists()
    assert (dead.exists(), alive.exists()) == (False, True)


def test_what_is_no_image_stays_beside_them(tmp_path: Path) -> None:
    (tmp_path / "images" / "my-notes.2026").mkdir(parents=True)
    empty(tmp_path, NOBODY)
    assert (tmp_path / "images" / "my-notes.2026").is_dir()


def test_key_depends_on_every_part() -> None:
    keys = {recipe_key("a", ("b",)), recipe_key("a", ("c",)), recipe_key("ab"), recipe_key("a")}
    assert len(keys) == 4
    assert recipe_key("a", ("b",)) == recipe_key("a", ("b",))


def test_kept_is_for_its_owner_alone(tmp_path: Path) -> None:
    keep(tmp_path / "cache", "x", NOBODY, lambda new: new.mkdir())
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


def test_mounts_are_found_at_a_folder_and_below_it() -> None:
    mountinfo = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 254:0 /x /srv/box rw,relatime - ext4 /dev/vda rw
31 22 254:0 /x /srv/box/share/a\\040b rw,relatime - ext4 /dev/vda rw
32 22 254:0 /x /srv/box-2 rw,relatime - ext4 /dev/vda rw
"""
    assert mounts_below(Path("/srv/box"), mountinfo) == (
        Path("/srv/box"),
        Path("/srv/box/share/a b"),
    )
    assert mounts_below(Path("/srv/box/nodes"), mountinfo) == ()


def test_empty_removes_the_images_of_recipes_and_nothing_else(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (images / "openmpi-arm64-63c8bb2ce7090184.sif").touch()
    (images / "mine.sif").touch()
    empty(tmp_path, NOBODY)
    assert [path.name for path in images.iterdir()] == ["mine.sif"]
    (images / "mine.sif").unlink()
    empty(tmp_path, NOBODY)
    assert not images.exists()
