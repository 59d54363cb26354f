"""What is missing on a machine is told all at once, by its name and with its cure."""

from pathlib import Path

import pytest

from hpcrun.errors import NotPermittedError, UnavailableError, UsageError, WriteError
from hpcrun.sandbox.identity import JobUser
from hpcrun.sandbox.machine import check_tools, explain_missing, explain_refusal, nearest_existing
from hpcrun.sandbox.namespace import MapError
from hpcrun.sandbox.shared_folder import check_share

APPARMOR = (("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),)


def test_all_missing_programs_are_told_with_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        with pytest.raises(UnavailableError) as caught:
            check_tools(is_root_cached=False, is_privileged=False)
    assert "`mmdebstrap` and `newuidmap` and `newgidmap`" in caught.value.message
    assert caught.value.help == ("sudo apt-get install --no-install-recommends mmdebstrap uidmap",)


def test_nothing_is_needed_by_root_with_a_cached_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        check_tools(is_root_cached=True, is_privileged=True)


def test_setting_that_forbids_is_named_with_its_cure() -> None:
    for told in (
        explain_refusal(PermissionError(1, "no", "user namespace"), APPARMOR),
        explain_missing("mount", "no", APPARMOR),
    ):
        assert isinstance(told, NotPermittedError)
        assert "`kernel.apparmor_restrict_unprivileged_userns = 1`" in told.message
        assert "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" in told.help[0]


def test_refusal_without_a_setting_names_what_was_tried() -> None:
    told = explain_refusal(PermissionError(1, "Operation not permitted", "user namespace"), ())
    assert "user namespace: Operation not permitted" in told.message
    assert any("container" in line for line in told.help)


def test_refused_map_names_uidmap() -> None:
    told = explain_refusal(MapError("newuidmap: write to uid_map failed"), ())
    assert isinstance(told, NotPermittedError)
    assert "uidmap" in told.help[0]


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        ("make a veth pair", UnavailableError, "modprobe veth"),
        ("make a network bridge", UnavailableError, "modprobe bridge"),
        ("mount /proc", NotPermittedError, "covered"),
        ("give a file in `/net` to a subordinate id", WriteError, "local folder"),
        ("mount a tmpfs", UnavailableError, "container"),
    ],
)
def test_missing_feature_is_told_with_its_cure(
    what: str, error: type[Exception], words: str
) -> None:
    told = explain_missing(what, "Operation not supported", ())
    assert type(told) is error
    assert what in told.message
    assert words in " ".join(told.help)


def test_nearest_existing_folder_is_found(tmp_path: Path) -> None:
    assert nearest_existing(tmp_path / "a" / "b") == tmp_path


def test_folder_in_the_way_of_the_nodes_own_is_not_shared(tmp_path: Path) -> None:
    user = JobUser("ada", 1000, 1000, tmp_path.stat().st_uid, 1000)
    check_share(tmp_path, user)
    for folder in ("/", "/usr", "/usr/share", "/etc", "/proc", "/dev", "/home"):
        with pytest.raises(UsageError, match="have their own"):
            check_share(Path(folder), user)


def test_folder_of_somebody_else_is_told_how_to_be_shared(tmp_path: Path) -> None:
    stranger = JobUser("ada", 1000, 1000, tmp_path.stat().st_uid + 1, 1000)
    with pytest.raises(NotPermittedError) as caught:
        check_share(tmp_path, stranger)
    assert "sudo chown" in caught.value.help[0]
