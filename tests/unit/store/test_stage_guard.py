"""No working folder travels that holds a person's own keys."""

import os
from pathlib import Path
from typing import Any

import pytest

from hpcrun.errors import NotPermittedError, RefusedError
from hpcrun.model.run import Run, Staged
from hpcrun.store.stage_guard import check_fetch, check_workdir, remember_workdir
from tests.unit.app.fakes import NOON


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "people" / "anna"
    (folder / ".ssh").mkdir(parents=True)
    (folder / "work" / ".cache").mkdir(parents=True)
    (folder / "work" / "to-home").symlink_to(folder)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    return folder


@pytest.mark.parametrize("name", [".", "..", "../..", "/", ".ssh", ".ssh/deep", "work/to-home"])
def test_home_and_what_holds_or_hides_in_it_is_refused(home: Path, name: str) -> None:
    with pytest.raises(RefusedError, match="keys may lie") as caught:
        check_workdir(home / name)
    assert "workdir" in caught.value.help[0]


@pytest.mark.parametrize("name", ["work", "work/.cache", "../berta"])
def test_other_folders_may_travel(home: Path, name: str) -> None:
    check_workdir(home / name)


def test_home_of_the_account_counts_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import pwd

    monkeypatch.setenv("HOME", "relative")
    with pytest.raises(RefusedError):
        check_workdir(Path(pwd.getpwuid(os.geteuid()).pw_dir))


def staged(folder: Path, workdir: Path | None, **more: Any) -> Run:
    values = {
        "name": "brain-1",
        "token": "1",
        "job": "brain",
        "site": "fjord",
        "profile": Path("/p.yaml"),
        "folder": folder,
        "created_at": NOON,
        "script_sha256": "0" * 64,
        "submitter": {"host": "here", "pid": 1, "started": "1"},
        "staged": Staged(folder=Path("/far/runs/brain-1"), workdir=workdir),
    }
    return Run.model_validate(values | more)


def test_run_in_its_working_folder_needs_to_have_been_sent_too(home: Path) -> None:
    run = staged(home / "work" / ".hpcrun" / "runs" / "brain-1", home / "work")
    with pytest.raises(NotPermittedError, match="was not sent from here"):
        check_fetch(run, ())
    remember_workdir(run)
    check_fetch(run, ())


def test_link_to_a_run_of_another_place_makes_it_nobodys_own(home: Path) -> None:
    runs = home / "evil" / ".hpcrun" / "runs"
    runs.mkdir(parents=True)
    (runs / "brain-1").symlink_to("../../../work/x/y/brain-1")
    (home / "work" / "x" / "y" / "brain-1").mkdir(parents=True)
    with pytest.raises(NotPermittedError):
        check_fetch(staged(runs / "brain-1", home / "work"), ())


@pytest.mark.parametrize("name", ["work", "work/deep", "more"])
def test_run_that_names_another_folder_needs_to_have_been_sent_from_there(
    home: Path, name: str
) -> None:
    run = staged(home / "work" / "got" / ".hpcrun" / "runs" / "brain-1", home / name)
    with pytest.raises(NotPermittedError, match="was not sent from here") as caught:
        check_fetch(run, ())
    assert "/far/runs/brain-1" in caught.value.help[1]
    remember_workdir(run)
    check_fetch(run, ())
    for change in (
        {"staged": Staged(folder=Path("/far/runs/other"), workdir=home / name)},
        {"staged": Staged(folder=Path("/far/runs/brain-1"), workdir=home / "elsewhere")},
        {"site": "other"},
        {"token": "2"},
    ):
        with pytest.raises(NotPermittedError):
            check_fetch(run.model_copy(update=change), ())


def test_what_was_sent_is_noted_for_its_user_alone(home: Path) -> None:
    remember_workdir(staged(home / "runs" / "brain-1", home / "work"))
    (note,) = (home / ".local" / "state" / "hpcrun" / "sent").iterdir()
    assert note.stat().st_mode & 0o777 == 0o600
    assert note.parent.stat().st_mode & 0o777 == 0o700


def test_run_without_a_working_folder_of_its_own_needs_to_have_been_sent_too(home: Path) -> None:
    run = staged(home / "runs" / "brain-1", None)
    with pytest.raises(NotPermittedError, match="was not sent from here"):
        check_fetch(run, ())
    remember_workdir(run)
    check_fetch(run, ())
    with pytest.raises(NotPermittedError):
        check_fetch(staged(home / "runs" / "brain-1", Path("None")), ())


def test_note_is_not_written_through_a_link(home: Path) -> None:
    run = staged(home / "work" / "brain-1", home / "work")
    remember_workdir(run)
    (note,) = (home / ".local" / "state" / "hpcrun" / "sent").iterdir()
    (keys := home / ".ssh" / "authorized_keys").write_text("own\n")
    note.with_name(f".{note.name}.new").symlink_to(keys)
    remember_workdir(run)
    assert keys.read_text() == "own\n"
    check_fetch(run, ())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_record_of_another_user_is_not_followed(home: Path) -> None:
    folder = home / "work" / ".hpcrun" / "runs" / "brain-1"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    run = staged(folder, home / "work")
    remember_workdir(run)
    check_fetch(run, (folder, folder / "run.json", folder / "sent.json"))
    os.chown(folder / "run.json", 4242, 4242)
    with pytest.raises(NotPermittedError, match="belongs to user 4242"):
        check_fetch(run, (folder, folder / "run.json"))
