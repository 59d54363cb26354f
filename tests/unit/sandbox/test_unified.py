"""Control groups of version 2: whom they are refused and where a sandbox has its own."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from hpcrun.errors import HpcrunError, NotPermittedError, UnavailableError
from hpcrun.sandbox import unified
from hpcrun.sandbox.namespace import IdMaps, IdRange

OWN = "user.slice/user-1001.slice/user@1001.service"


def tree(folder: Path, **controllers: str) -> Path:
    """Lay out a tree in which root and a user's systemd have these controllers."""
    for who, words in controllers.items():
        place = folder / (OWN if who == "user" else "")
        place.mkdir(parents=True, exist_ok=True)
        (place / "cgroup.controllers").write_text(f"{words}\n")
    return folder


@pytest.mark.parametrize("is_root", [True, False])
def test_who_has_a_part_of_the_tree_with_memory_is_refused_nothing(
    tmp_path: Path, is_root: bool
) -> None:
    place = tree(tmp_path, root="cpu memory pids", user="memory pids")
    unified.check(place, is_root=is_root, uid=1001)


@pytest.mark.parametrize(
    ("controllers", "is_root", "error", "words"),
    [
        ({"root": "memory"}, False, NotPermittedError, "root, or a systemd session of yours"),
        ({"root": "memory", "user": "pids"}, False, UnavailableError, "systemd for users"),
        ({"root": "cpu pids"}, True, UnavailableError, "which this machine does not have"),
    ],
)
def test_who_has_none_is_refused_with_the_cause(
    tmp_path: Path,
    controllers: dict[str, str],
    is_root: bool,
    error: type[HpcrunError],
    words: str,
) -> None:
    with pytest.raises(error) as caught:
        unified.check(tree(tmp_path, **controllers), is_root=is_root, uid=1001)
    assert words in caught.value.message
    assert caught.value.help


def test_groups_of_this_sandbox_alone_are_found(tmp_path: Path) -> None:
    own = tree(tmp_path, user="memory") / OWN
    expected = [own / "hpcrun-a-1-70.scope", own / "app.slice" / "hpcrun-a-1-71.scope"]
    for folder in (*expected, own / "app.slice" / "hpcrun-b-1-72.scope", tmp_path / "hpcrun-a-1"):
        folder.mkdir(parents=True)
    assert list(unified.find(tmp_path, "hpcrun-a-1", is_root=False, uid=1001)) == expected
    as_root = list(unified.find(tmp_path, "hpcrun-a-1", is_root=True, uid=0))
    assert as_root == [tmp_path / "hpcrun-a-1"]
    assert not list(unified.find(tmp_path, "hpcrun-c-1", is_root=True, uid=0))


def test_tree_that_cannot_be_divided_is_told(tmp_path: Path) -> None:
    maps = IdMaps((IdRange(0, 5000, 1),), (IdRange(0, 5000, 1),), is_privileged=False)
    tree(tmp_path, root="memory")
    (tmp_path / "box").mkdir()
    with pytest.raises(NotPermittedError, match="cannot make a control group"):
        unified.adopt_as_root(tmp_path, "box", maps, 1)


def test_systemd_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(argv: tuple[str, ...], *, timeout: float, **_: Any) -> None:
        raise subprocess.TimeoutExpired(argv, timeout)

    monkeypatch.setattr(subprocess, "run", wait)
    with pytest.raises(NotPermittedError, match="it did not answer within 30 s"):
        unified.adopt_as_user("box", 1)
