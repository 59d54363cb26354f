"""No working folder travels that holds a person's own keys."""

from pathlib import Path

import pytest

from hpcrun.errors import RefusedError
from hpcrun.store.stage_guard import check_workdir


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "people" / "anna"
    (folder / ".ssh").mkdir(parents=True)
    (folder / "work" / ".cache").mkdir(parents=True)
    (folder / "work" / "to-home").symlink_to(folder)
    monkeypatch.setenv("HOME", str(folder))
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
    import os
    import pwd

    monkeypatch.setenv("HOME", "relative")
    with pytest.raises(RefusedError):
        check_workdir(Path(pwd.getpwuid(os.geteuid()).pw_dir))
