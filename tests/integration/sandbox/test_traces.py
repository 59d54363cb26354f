"""Nothing of a sandbox is visible outside its folder, while it runs and afterwards."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcrun.sandbox.places import places
from hpcrun.sandbox.state import read_running, read_state
from tests.integration.sandbox.traces import (
    await_end_of,
    look_at_machine,
    names,
    processes_of,
)
from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun

pytestmark = pytest.mark.slurm

NAME = "traces"


@pytest.fixture
def own_sandbox(sandbox: Sandbox) -> Iterator[str]:
    """Return the name of a sandbox that is not there; what it is made of is cached by `sandbox`."""
    assert run_hpcrun("sandbox", "purge", "--name", NAME).returncode == 0
    yield NAME
    assert run_hpcrun("sandbox", "purge", "--name", NAME).returncode == 0
    assert not places(NAME).folder.exists()


def start_up(name: str, **environment: str) -> subprocess.Popen[bytes]:
    code = "from hpcrun.cli.main import main; raise SystemExit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", code, "sandbox", "up", "--name", name],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_machine_looks_the_same_before_during_and_after(own_sandbox: str) -> None:
    machine = look_at_machine(NAME)
    assert processes_of(own_sandbox) == set()

    assert run_hpcrun("sandbox", "up", "--name", own_sandbox).returncode == 0
    job = ("sandbox", "exec", "--name", own_sandbox, "--", "srun", "-N2", "hostname")
    assert run_hpcrun(*job).returncode == 0
    assert machine == look_at_machine(NAME)
    assert len(processes_of(own_sandbox)) > 3

    assert run_hpcrun("sandbox", "down", "--name", own_sandbox).returncode == 0
    assert await_end_of(own_sandbox) == set()
    assert machine == look_at_machine(NAME)


def test_up_twice_is_the_same_sandbox_and_down_twice_is_no_error(own_sandbox: str) -> None:
    first = run_hpcrun("sandbox", "up", "--name", own_sandbox)
    state = read_running(places(own_sandbox))
    second = run_hpcrun("sandbox", "up", "--name", own_sandbox)
    assert (first.returncode, second.returncode) == (0, 0)
    assert state == read_running(places(own_sandbox))
    assert "already runs" in second.stdout

    other = run_hpcrun("sandbox", "up", "--name", own_sandbox, "--nodes", "3")
    assert other.returncode == 64
    assert "2 nodes, not 3" in other.stderr

    for _ in range(2):
        assert run_hpcrun("sandbox", "down", "--name", own_sandbox).returncode == 0
    assert read_state(places(own_sandbox)) is None


def test_two_at_once_start_one(own_sandbox: str) -> None:
    started = [start_up(own_sandbox) for _ in range(2)]
    assert [process.wait(120) for process in started] == [0, 0]
    assert read_running(places(own_sandbox)) is not None
    assert run_hpcrun("sandbox", "down", "--name", own_sandbox).returncode == 0
    assert await_end_of(own_sandbox) == set()


def test_job_ids_and_files_survive_down_and_up(own_sandbox: str, tmp_path: Path) -> None:
    prefix = ("sandbox", "exec", "--name", own_sandbox, "--")
    ids = []
    for _ in range(2):
        assert run_hpcrun("sandbox", "up", "--name", own_sandbox).returncode == 0
        ids.append(run_hpcrun(*prefix, "sbatch", "--parsable", "--wrap=true").stdout)
        run_hpcrun(*prefix, "sh", "-c", "echo once >> ~/kept")
        assert run_hpcrun("sandbox", "down", "--name", own_sandbox).returncode == 0
    assert int(ids[0]) < int(ids[1])
    assert (places(own_sandbox).home / "kept").read_text() == "once\nonce\n"


@pytest.mark.parametrize("after_s", [0.05, 0.2, 0.3, 0.4, 0.6, 1.0])
def test_up_that_is_killed_leaves_nothing_in_the_way(own_sandbox: str, after_s: float) -> None:
    process = start_up(own_sandbox)
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.wait()

    if read_running(places(own_sandbox)) is None:
        assert await_end_of(NAME) == set()
    assert run_hpcrun("sandbox", "up", "--name", own_sandbox).returncode == 0
    job = ("sandbox", "exec", "--name", own_sandbox, "--", "srun", "-N2", "true")
    assert run_hpcrun(*job).returncode == 0
    assert run_hpcrun("sandbox", "down", "--name", own_sandbox).returncode == 0
    assert await_end_of(NAME) == set()


def test_box_that_is_killed_is_seen_and_started_again(own_sandbox: str) -> None:
    assert run_hpcrun("sandbox", "up", "--name", own_sandbox).returncode == 0
    state = read_running(places(own_sandbox))
    assert state is not None
    os.kill(state.init.pid, signal.SIGKILL)
    assert await_end_of(NAME) == set()
    assert "not running" in run_hpcrun("sandbox", "status", "--name", own_sandbox).stdout
    assert run_hpcrun("sandbox", "up", "--name", own_sandbox).returncode == 0


def test_first_up_that_is_killed_leaves_no_half_cache(sandbox: Sandbox, tmp_path: Path) -> None:
    state = tmp_path / "state"
    process = start_up(NAME, HPCRUN_SANDBOX_DIR=str(state))
    ends = time.monotonic() + 60
    while not list(state.glob("cache/.unfinished-*/usr")) and time.monotonic() < ends:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert await_end_of(NAME, state) == set()
    assert [name for name in names(state / "cache") if not name.startswith(".")] == []
    purged = run_hpcrun("sandbox", "purge", "--all", HPCRUN_SANDBOX_DIR=str(state))
    assert purged.returncode == 0, purged.stderr
    assert not state.exists()


def test_folder_with_blanks_and_quotes_is_shared_at_its_path(
    own_sandbox: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    share = tmp_path / "it's a $HOME folder"
    share.mkdir()
    os.chown(share, sandbox.uid_outside, -1)
    up = run_hpcrun("sandbox", "up", "--name", own_sandbox, "--nodes", "1", "--share", str(share))
    assert up.returncode == 0, up.stderr
    prefix = ("sandbox", "exec", "--name", own_sandbox, "--")
    done = run_hpcrun(*prefix, "srun", "-N1", "sh", "-c", "pwd; echo it > made", folder=share)
    assert (done.returncode, done.stdout) == (0, f"{share}\n"), done.stderr
    made = share / "made"
    assert (made.read_text(), made.stat().st_uid) == ("it\n", sandbox.uid_outside)


def test_jobs_that_end_with_the_sandbox_are_told_so_and_waiting_ones_run_later(
    own_sandbox: str,
) -> None:
    home = places(own_sandbox).home
    prefix = ("sandbox", "exec", "--name", own_sandbox, "--")
    assert run_hpcrun("sandbox", "up", "--name", own_sandbox).returncode == 0
    script = "trap 'echo told > ~/ended; exit' TERM; echo on > ~/started; sleep 4321 & wait"
    first = run_hpcrun(*prefix, "sbatch", "--parsable", "--exclusive", "-N2", "--wrap", script)
    second = run_hpcrun(*prefix, "sbatch", "--parsable", "-N2", "--wrap", "echo late > ~/late")
    _await_file(home / "started")

    assert run_hpcrun("sandbox", "down", "--name", own_sandbox).returncode == 0
    assert (home / "ended").read_text() == "told\n"
    assert not (home / "late").exists()

    assert run_hpcrun("sandbox", "up", "--name", own_sandbox).returncode == 0
    _await_file(home / "late")
    states = [
        run_hpcrun(*prefix, "squeue", "-h", "-t", "all", "-o", "%T", "-j", job.stdout.strip())
        for job in (first, second)
    ]
    assert states[0].stdout == "CANCELLED\n"
    assert states[1].stdout in {"RUNNING\n", "COMPLETING\n", "COMPLETED\n"}


def test_job_that_ran_when_the_box_was_killed_has_failed_with_its_node(own_sandbox: str) -> None:
    home = places(own_sandbox).home
    prefix = ("sandbox", "exec", "--name", own_sandbox, "--")
    assert run_hpcrun("sandbox", "up", "--name", own_sandbox).returncode == 0
    script = "echo on > ~/started; sleep 4321"
    job = run_hpcrun(*prefix, "sbatch", "--parsable", "-N2", "--wrap", script).stdout.strip()
    _await_file(home / "started")
    # Slurm writes down what has changed within a few seconds, not at once.
    time.sleep(6)
    state = read_running(places(own_sandbox))
    assert state is not None
    os.kill(state.init.pid, signal.SIGKILL)
    assert await_end_of(own_sandbox) == set()

    assert run_hpcrun("sandbox", "up", "--name", own_sandbox).returncode == 0
    seen = run_hpcrun(*prefix, "squeue", "-h", "-t", "all", "-o", "%T", "-j", job)
    assert seen.stdout == "NODE_FAIL\n"


def _await_file(file: Path) -> None:
    ends = time.monotonic() + 60
    while not file.exists() and time.monotonic() < ends:
        time.sleep(0.1)
    assert file.exists()


def test_box_ends_by_itself_when_its_folder_is_removed_by_hand(own_sandbox: str) -> None:
    assert run_hpcrun("sandbox", "up", "--name", own_sandbox).returncode == 0
    state = read_running(places(own_sandbox))
    assert state is not None
    places(own_sandbox).settings.unlink()
    ends = time.monotonic() + 30
    while state.is_running and time.monotonic() < ends:
        time.sleep(0.2)
    assert not state.is_running
    places(own_sandbox).settings.touch()


def test_purge_leaves_what_is_no_sandbox(tmp_path: Path) -> None:
    for name in ("letters", "cache"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("mine")
    for command, code in ((("purge", "--all"), 0), (("purge",), 73), (("up",), 73)):
        argv = ("sandbox", *command, "--name", "letters")
        done = run_hpcrun(*argv, HPCRUN_SANDBOX_DIR=str(tmp_path))
        assert done.returncode == code, done.stderr
        assert ("is no sandbox" in done.stderr) == bool(code)
    found = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.txt"))
    assert found == ["cache/mine.txt", "letters/mine.txt"]


def test_folder_of_somebody_else_is_told_as_such(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is forbidden to root")
    tmp_path.chmod(0)
    try:
        for command in ("up", "status", "logs", "down", "purge"):
            done = run_hpcrun("sandbox", command, HPCRUN_SANDBOX_DIR=str(tmp_path / "x"))
            assert done.returncode == 77, done.stderr
            assert "not yours" in done.stderr
    finally:
        tmp_path.chmod(0o755)
