"""Who owns a file outside when somebody else is root inside than before."""

import os
from pathlib import Path

import pytest

from hpcrun.sandbox.free_ids import map_aligned, map_whole
from hpcrun.sandbox.namespace import IdMaps, IdRange, owner_outside

START = 0x7F000000
MINE = map_aligned(1001, START)
# As with control groups, where root inside is root outside.
ROOT_IS_ROOT = (IdRange(0, 0, 1), IdRange(1, START + 1, 999), *MINE[1:])


@pytest.mark.parametrize(
    ("ranges", "before", "after"),
    [
        (MINE, START, START),
        (MINE, START + 64030, START + 64030),
        (MINE, 1001, 1001),
        (MINE, 0, START),
        (MINE, 64030, START + 64030),
        (MINE, 1000, 1001),
        (MINE, START - 65536, START),
        (MINE, START - 65536 + 64030, START + 64030),
        (ROOT_IS_ROOT, START, 0),
        (ROOT_IS_ROOT, START + 64030, START + 64030),
        (map_whole(7, 100000), 100000 + 5, 100000 + 5),
    ],
)
def test_owner_is_who_it_was_inside(ranges: tuple[IdRange, ...], before: int, after: int) -> None:
    assert owner_outside(before, ranges) == after
    assert owner_outside(after, ranges) == after


def test_id_that_does_not_exist_inside_becomes_root_inside() -> None:
    assert owner_outside(5000, (IdRange(0, 58998, 1000), IdRange(1000, 7, 1))) == 58998


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_given_folder_comes_last_and_is_not_looked_at_again(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").touch()
    (tmp_path / "a/link").symlink_to("/etc/passwd")
    maps = IdMaps(MINE, MINE, is_privileged=True)
    maps.give_tree(tmp_path / "a")
    owners = {name: (tmp_path / "a" / name).lstat().st_uid for name in (".", "file", "link")}
    assert set(owners.values()) == {START}
    assert Path("/etc/passwd").stat().st_uid == 0
    os.chown(tmp_path / "a/file", 0, 0)
    maps.give_tree(tmp_path / "a")
    assert (tmp_path / "a/file").stat().st_uid == 0
