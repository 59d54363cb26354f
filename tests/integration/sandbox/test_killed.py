"""`hpcrun sandbox up` is killed at each of its steps; the next one makes a sound sandbox of it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcrun.sandbox.lock import locked
from hpcrun.sandbox.places import places
from hpcrun.sandbox.state import read_running
from tests.integration.sandbox.traces import (
    await_end_of,
    await_end_of_namespaces,
    list_files,
    look_at_machine,
    namespaces_of,
    size_of,
)
from tests.one_share import one_share
from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun

pytestmark = pytest.mark.slurm

NAME = "killed"
OPTIONS = ("--name", NAME, "--emulation", "none")
N_SHARES = 20
# As kill_up.py names them, in their order.
STEPS = (
    "open .",
    "fork 1",
    "fork 2",
    "mkdir .",
    "open settings.sh",
    "mkdir accounting",
    "mkdir logs",
    "mkdir nodes",
    "mkdir slurmctld",
    "mkdir app",
    "mkdir dev",
    "mkdir home",
    "mkdir share",
    "chmod accounting",
    "chmod home",
    "chmod nodes",
    "chmod slurmctld",
    "chown share",
    "chown home",
    "chown accounting",
    "chown logs",
    "chown nodes",
    "chown slurmctld",
    "mkdir inside",
    "open inside/*",
    "mkdir etc",
    "open etc/hosts",
    "mkdir etc/slurm",
    "open etc/slurm/slurm.conf",
    "open etc/slurm/cgroup.conf",
    "open etc/slurm/gres.conf",
    "open etc/slurm/job_submit.lua",
    "mkdir etc-login/slurm",
    "mkdir etc-login",
    "open etc-login/slurm/slurmdbd.conf",
    "mkdir etc-login/hpcrun/sites",
    "mkdir etc-login/hpcrun",
    "open etc-login/hpcrun/sites/killed.yaml",
    "mkdir sites",
    "open sites/killed.yaml",
    "utime etc/slurm/slurm.key",
    "open etc/slurm/slurm.key",
    "chown etc/slurm/slurm.key",
    "remove app/*",
    "mkdir app/*",
    "open app/*",
    "chmod app/*",
    "rename app/*",
    "rmdir app/*",
    "chown app/*",
    "mkdir cache/*",
    "chmod dev/fuse",
    "fork 3",
    "utime cache/*",
    "open cache/*",
    "open dev/fuse",
    "open state.new",
    "rename state.new",
    "fork 4",
    "fork 5",
    "rmdir .",
)
# What an ordinary user need not, and what only such a one must.
ONLY_ROOT = (
    "chown accounting",
    "chown logs",
    "chown nodes",
    "chown slurmctld",
    "chown etc/slurm/slurm.key",
    "chown app/*",
    "chmod dev/fuse",
)
ONLY_OTHERS = ("run newgidmap", "run newuidmap")
# How often Slurm is asked, until it is ready, varies after these.
N_FORKS = 5


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "step" in metafunc.fixturenames:
        unknown = ONLY_OTHERS if os.geteuid() == 0 else ONLY_ROOT
        cases = [(how, step) for how in ("group", "alone") for step in STEPS if step not in unknown]
        chosen = one_share(cases, N_SHARES, metafunc.config)
        metafunc.parametrize(("how", "step"), chosen, ids=str)


@pytest.fixture
def killed(sandbox: Sandbox) -> Iterator[str]:
    """Return the name of a sandbox that is not there; what it is made of is cached by `sandbox`."""
    machine = look_at_machine(NAME)
    assert run_hpcrun("sandbox", "purge", "--name", NAME).returncode == 0
    yield NAME
    assert run_hpcrun("sandbox", "purge", "--name", NAME).returncode == 0
    assert not places(NAME).folder.exists()
    assert await_end_of(NAME) == set()
    assert machine == look_at_machine(NAME)


def up_until(how: str, step: str) -> tuple[list[str], int]:
    """Run `up` to a step and kill it there, all its processes or the first; what it told of steps.

    Without a step it is run to its end.
    """
    reading, writing = os.pipe()
    driver = Path(__file__).with_name("kill_up.py")
    process = subprocess.Popen(
        [sys.executable, str(driver), str(writing), step, *OPTIONS],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.DEVNULL,
        pass_fds=[writing],
        start_new_session=True,
    )
    os.close(writing)
    told = []
    with os.fdopen(reading) as pipe:
        for line in pipe:
            told.append(line.rstrip())
            if how == "group":
                os.killpg(process.pid, signal.SIGKILL)
            elif how == "alone":
                process.kill()
    return told, process.wait(300)


def check_sound(name: str) -> None:
    done = run_hpcrun("sandbox", "exec", "--name", name, "--", "srun", "-N2", "hostname")
    assert (done.returncode, sorted(done.stdout.split())) == (0, ["n1", "n2"]), done.stderr


def end_without_leftovers(name: str) -> None:
    namespaces = namespaces_of(name)
    assert namespaces
    assert run_hpcrun("sandbox", "down", "--name", name).returncode == 0
    assert await_end_of(name) == set()
    assert await_end_of_namespaces(namespaces) == set()
    files = [line.split()[0] for line in list_files(places(name).folder)]
    assert [file for file in files if file.endswith((".new", ".tmp", "state.json"))] == []
    # Whoever builds something holds the lock.
    with locked(places(name).root):
        assert [each.name for each in places(name).cache.glob(".unfinished-*")] == []


def test_killed_up_leaves_nothing_and_the_next_one_is_sound(
    killed: str, how: str, step: str
) -> None:
    assert up_until(how, step) == (["reached"], -signal.SIGKILL)
    if read_running(places(killed)) is None:
        assert await_end_of(killed) == set()
    again = run_hpcrun("sandbox", "up", *OPTIONS)
    assert again.returncode == 0, again.stderr
    check_sound(killed)
    end_without_leftovers(killed)


def test_table_names_every_step(killed: str) -> None:
    told, code = up_until("not at all", "")
    assert code == 0
    assert run_hpcrun("sandbox", "down", "--name", killed).returncode == 0
    found = set(told)
    later = {step for step in found if step.startswith("fork ") and int(step[5:]) > N_FORKS}
    unknown = ONLY_OTHERS if os.geteuid() == 0 else ONLY_ROOT
    assert found - later == set(STEPS) - set(unknown)


def test_rounds_of_up_and_down_leak_nothing(killed: str, request: pytest.FixtureRequest) -> None:
    n_rounds = 20 if request.config.getoption("--all-versions") else 3
    machine = look_at_machine(killed)
    sizes = []
    for _ in range(n_rounds):
        up = run_hpcrun("sandbox", "up", *OPTIONS)
        assert up.returncode == 0, up.stderr
        check_sound(killed)
        end_without_leftovers(killed)
        assert machine == look_at_machine(killed)
        # Slurm keeps a record of each job for as long as MinJobAge says, and its log tells of them.
        folder = places(killed).folder
        records = sum(file.stat().st_size for file in folder.glob("slurmctld/job_state*"))
        sizes.append(size_of(folder) - records)
    assert abs(sizes[-1] - sizes[1]) < 5_000, sizes
