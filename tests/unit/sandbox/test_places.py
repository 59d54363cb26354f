"""Whose folder of sandboxes is used."""

import os
from pathlib import Path

import pytest

from hpcrun.errors import NotPermittedError
from hpcrun.sandbox.places import Places, telling_whose


def test_own_folder_and_one_that_is_not_there_yet_are_used(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "absent"):
        with telling_whose(Places(root, "box")):
            pass


def test_folder_that_everybody_can_write_is_not_used(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with (
        pytest.raises(NotPermittedError, match="written by everybody"),
        telling_whose(Places(tmp_path, "box")),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_folder_of_another_user_is_not_used_by_root(tmp_path: Path) -> None:
    os.chown(tmp_path, 1000, 1000)
    with (
        pytest.raises(NotPermittedError, match="belongs to user 1000"),
        telling_whose(Places(tmp_path, "box")),
    ):
        pass
