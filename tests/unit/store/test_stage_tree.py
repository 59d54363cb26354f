"""What goes along of a working folder, and what of it came back changed."""

import os
from pathlib import Path

import pytest

from hpcrun.errors import RefusedError
from hpcrun.model.staging import TreeFile
from hpcrun.store import stage_tree
from hpcrun.store.stage_tree import changed_there, matches_any, survey

S = 10**9


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    for name in ("run.py", "data/a.nii", "data/deep/b.nii", "image.sif", ".hpcrun/runs/x/run.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("/far/away")
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_all_goes_along_but_runs_and_the_image(workdir: Path) -> None:
    tree = survey(workdir, None, leave_out=(workdir / "image.sif",))
    assert [file.path for file in tree.files] == ["data/a.nii", "data/deep/b.nii", "link", "run.py"]
    assert tree.folders == ("data", "data/deep", "empty")
    assert {file.path for file in tree.files if file.kind == "link"} == {"link"}


def test_patterns_choose_what_goes_along(workdir: Path) -> None:
    tree = survey(workdir, ("run.py", "data/*.nii"))
    assert [file.path for file in tree.files] == ["data/a.nii", "run.py"]
    assert survey(workdir, ()).files == ()


@pytest.mark.parametrize(
    ("pattern", "path", "is_meant"),
    [
        ("data", "data/deep/b.nii", True),
        ("data/", "data/a.nii", True),
        ("./run.py", "run.py", True),
        ("*.py", "run.py", True),
        ("*.py", "data/run.py", False),
        ("**/*.nii", "a.nii", True),
        ("**/*.nii", "data/deep/b.nii", True),
        ("data/**", "data/deep/b.nii", True),
        ("data/**", "data", False),
        ("**", "data/deep/b.nii", True),
        ("d?ta/a.nii", "data/a.nii", True),
        ("data", "database", False),
        ("a+b(.)", "a+b(.)", True),
        ("a.nii", "axnii", False),
    ],
)
def test_pattern_names_files_and_all_below_folders(
    pattern: str, path: str, *, is_meant: bool
) -> None:
    assert matches_any((pattern,), path) is is_meant


def test_pattern_that_names_nothing_is_refused(workdir: Path) -> None:
    with pytest.raises(RefusedError, match=r"`stage_in` names `missing\.py`"):
        survey(workdir, ("run.py", "missing.py"))


def test_too_large_a_folder_is_refused_with_the_ways_out(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_tree, "MAX_BYTES", 10)
    with pytest.raises(RefusedError, match="holds more than") as caught:
        survey(workdir, None)
    assert "stage_in" in caught.value.help[0]
    monkeypatch.setattr(stage_tree, "MAX_BYTES", 1 << 30)
    monkeypatch.setattr(stage_tree, "MAX_FILES", 3)
    with pytest.raises(RefusedError, match="holds more than 3 files"):
        survey(workdir, None)


def test_what_is_no_file_is_refused(workdir: Path) -> None:
    os.mkfifo(workdir / "pipe")
    with pytest.raises(RefusedError, match="pipe` to the site: it is neither a file"):
        survey(workdir, None)


def test_name_that_is_no_text_is_refused(workdir: Path) -> None:
    (workdir / os.fsdecode(b"\xff")).touch()
    with pytest.raises(RefusedError, match="its name is not UTF-8"):
        survey(workdir, None)


def test_what_came_as_it_was_sent_stays_there() -> None:
    sent = {
        "same": TreeFile(path="same", size=3, mtime_ns=7 * S + 5),
        "touched": TreeFile(path="touched", size=3, mtime_ns=7 * S + 5),
        "grown": TreeFile(path="grown", size=3, mtime_ns=7 * S),
        "gone": TreeFile(path="gone", size=3, mtime_ns=7 * S),
    }
    now = (
        TreeFile(path="same", size=3, mtime_ns=7 * S),
        TreeFile(path="touched", size=3, mtime_ns=8 * S + 3),
        TreeFile(path="grown", size=4, mtime_ns=7 * S),
        TreeFile(path="out/new", size=4, mtime_ns=9 * S),
    )
    changed = [file.path for file in changed_there(now, sent, None)]
    assert changed == ["touched", "grown", "out/new"]
    assert [file.path for file in changed_there(now, sent, ("out",))] == ["out/new"]
    assert changed_there(now, sent, ()) == ()


def test_too_much_to_come_back_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_tree, "MAX_BACK_BYTES", 3)
    with pytest.raises(RefusedError, match="so nothing is copied back") as caught:
        changed_there((TreeFile(path="a", size=4, mtime_ns=0),), {}, None)
    assert "stage_out" in caught.value.help[0]


def test_own_folders_do_not_come_back() -> None:
    names = (".hpcrun/runs/x/run.json", ".HPCRUN/sites/x.yaml", "my/runs/x/run.json", "my/data")
    now = [TreeFile(path=name, size=1, mtime_ns=0) for name in names]
    found = changed_there(now, {}, None, runs="my/runs")
    assert [file.path for file in found] == ["my/data"]


def test_many_folders_in_a_pattern_fail_at_once() -> None:
    assert not matches_any(("**/" * 60 + "b",), "a/" * 60 + "c")
