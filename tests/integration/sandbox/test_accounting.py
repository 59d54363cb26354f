"""Accounting: sacct answers for the user's jobs, also after `down` and after a kill -9."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from hpcrun.sandbox.places import places
from hpcrun.sandbox.state import read_running
from tests.sandbox_fixture import Sandbox, run_hpcrun

pytestmark = pytest.mark.slurm

NAME = "records"
UP = ("sandbox", "up", "--name", NAME, "--accounting", "--emulation", "none", "--nodes", "1")


@pytest.fixture
def records(sandbox: Sandbox) -> Iterator[str]:
    """Return the name of a sandbox with accounting that is not there yet."""
    yield NAME
    assert run_hpcrun("sandbox", "purge", "--name", NAME).returncode == 0
    assert not places(NAME).folder.exists()


def run_inside(*argv: str, user: str = "job") -> str:
    done = run_hpcrun("sandbox", "exec", "--name", NAME, "--user", user, "--", *argv)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def up() -> None:
    done = run_hpcrun(*UP)
    assert done.returncode == 0, done.stderr


def recorded(job: str) -> str:
    return run_inside("sacct", "-n", "-P", "-X", "-j", job, "-o", "state,exitcode,account")


def await_record(job: str, expected: str) -> None:
    ends = time.monotonic() + 60
    while recorded(job) != expected and time.monotonic() < ends:
        time.sleep(0.3)
    assert recorded(job) == expected


def test_records_outlive_down_and_a_killed_box(records: str) -> None:
    up()
    first = run_inside("sbatch", "--parsable", "--wrap", "exit 3")
    await_record(first, "FAILED|3:0|sandbox")
    profile = places(NAME).profile.read_text()
    assert "  accounting: true\n" in profile

    assert run_hpcrun("sandbox", "down", "--name", NAME).returncode == 0
    up()
    assert recorded(first) == "FAILED|3:0|sandbox"
    second = run_inside("sbatch", "--parsable", "--wrap", "true")
    await_record(second, "COMPLETED|0:0|sandbox")

    state = read_running(places(NAME))
    assert state is not None
    os.kill(state.init.pid, signal.SIGKILL)
    up()
    assert (recorded(first), recorded(second)) == ("FAILED|3:0|sandbox", "COMPLETED|0:0|sandbox")

    # The database is for root's slurmdbd only, in the node and out of it.
    listening = run_inside("cat", "/proc/net/tcp", "/proc/net/tcp6", user="root")
    assert f":{3306:04X} " not in listening
    assert run_inside("ps", "-o", "user=", "-C", "mariadbd", user="root") == "slurm"
    assert run_inside("stat", "-c", "%a", "/etc/slurm/slurmdbd.conf", "/run/mysqld") == "600\n700"
    other = run_hpcrun("sandbox", "up", "--name", NAME, "--slurm", state.slurm)
    assert "already runs" in other.stdout, other.stderr


def test_sandbox_without_accounting_is_not_taken_for_one_with_it(sandbox: Sandbox) -> None:
    done = run_hpcrun("sandbox", "up", "--name", sandbox.name, "--accounting")
    assert done.returncode == 64
    assert "already runs, and has no accounting" in done.stderr
