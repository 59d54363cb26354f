"""A sandbox that a loss of power or a clumsy hand has left half is made whole by the next `up`."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcrun.sandbox.places import places
from hpcrun.sandbox.state import read_process_mark
from tests.integration.sandbox.traces import await_end_of
from tests.one_share import one_share
from tests.sandbox_fixture import Sandbox, run_hpcrun

pytestmark = pytest.mark.slurm

NAME = "half"
UP = ("sandbox", "up", "--name", NAME, "--emulation", "none")
N_SHARES = 10
# Of the folder of a sandbox; without what Slurm itself keeps, which it may well refuse.
PLACES = (
    "app",
    "app/.digest",
    "app/hpcrun/errors.py",
    "dev",
    "etc",
    "etc/hosts",
    "etc/slurm/cgroup.conf",
    "etc/slurm/slurm.conf",
    "etc/slurm/slurm.key",
    "etc-login",
    f"etc-login/hpcrun/sites/{NAME}.yaml",
    "home",
    "inside",
    "inside/box.sh",
    "inside/node.sh",
    "logs",
    "logs/box.log",
    "nodes",
    "settings.sh",
    "share",
    "sites",
    f"sites/{NAME}.yaml",
    "slurmctld",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "harm" in metafunc.fixturenames:
        cases = [(harm, place) for place in PLACES for harm in ("removed", "truncated")]
        chosen = one_share(cases, N_SHARES, metafunc.config)
        metafunc.parametrize(("harm", "place"), chosen, ids=str)


@pytest.fixture
def ended(sandbox: Sandbox) -> Iterator[Path]:
    """Return the folder of a sandbox that ran and was ended."""
    assert run_hpcrun("sandbox", "purge", "--name", NAME).returncode == 0
    up = run_hpcrun(*UP)
    assert up.returncode == 0, up.stderr
    assert run_hpcrun("sandbox", "down", "--name", NAME).returncode == 0
    yield places(NAME).folder
    assert run_hpcrun("sandbox", "purge", "--name", NAME).returncode == 0
    assert await_end_of(NAME) == set()
    assert not places(NAME).folder.exists()


def check_made_whole() -> None:
    up = run_hpcrun(*UP)
    assert up.returncode == 0, up.stderr
    prefix = ("sandbox", "exec", "--name", NAME, "--")
    done = run_hpcrun(*prefix, "srun", "-N2", "hostname")
    assert (done.returncode, sorted(done.stdout.split())) == (0, ["n1", "n2"]), done.stderr
    assert run_hpcrun(*prefix, "hpcrun", "--version").returncode == 0
    assert run_hpcrun("sandbox", "down", "--name", NAME).returncode == 0


def damage(place: Path, harm: str) -> None:
    """Remove a file or folder, or empty it; a folder whose mark is gone is no sandbox any more."""
    if place.is_dir():
        shutil.rmtree(place)
        if harm == "truncated":
            place.mkdir()
    elif harm == "removed" and place.name != "settings.sh":
        place.unlink()
    else:
        os.truncate(place, 0)


def test_what_is_missing_or_empty_is_made_anew(ended: Path, harm: str, place: str) -> None:
    assert (ended / place).exists()
    damage(ended / place, harm)
    check_made_whole()


def test_everything_missing_but_the_mark_is_made_anew(ended: Path) -> None:
    for place in ended.iterdir():
        if place.name != "settings.sh":
            damage(place, "removed")
    check_made_whole()


def test_folder_without_its_mark_is_told_to_be_in_the_way(ended: Path) -> None:
    mark = (ended / "settings.sh").read_text()
    (ended / "settings.sh").unlink()
    refused = run_hpcrun(*UP)
    assert (refused.returncode, "is in the way" in refused.stderr) == (73, True)
    (ended / "settings.sh").write_text(mark)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"version": 1}'], ids=["empty", "half", "list", "none", "few"]
)
def test_state_that_cannot_be_read_is_that_of_no_sandbox(ended: Path, text: str) -> None:
    (ended / "state.json").write_text(text)
    assert run_hpcrun("sandbox", "down", "--name", NAME).returncode == 0
    assert not (ended / "state.json").exists()


@pytest.mark.parametrize("what", ["boot_id", "start_ticks"])
def test_process_of_another_boot_or_time_is_not_taken_for_the_sandbox(
    ended: Path, what: str
) -> None:
    assert run_hpcrun(*UP).returncode == 0
    state = json.loads((ended / "state.json").read_text())
    assert run_hpcrun("sandbox", "down", "--name", NAME).returncode == 0
    # The number is that of a process which must not be harmed: this one.
    mark = read_process_mark(os.getpid())
    assert mark is not None
    now = {"pid": mark.pid, "start_ticks": mark.start_ticks, "boot_id": mark.boot_id}
    now[what] = "another" if what == "boot_id" else mark.start_ticks - 1
    (ended / "state.json").write_text(json.dumps(state | {"init": now}))
    assert "not running" in run_hpcrun("sandbox", "status", "--name", NAME).stdout
    assert "was not running" in run_hpcrun("sandbox", "down", "--name", NAME).stdout
    (ended / "state.json").write_text(json.dumps(state | {"init": now}))
    check_made_whole()
