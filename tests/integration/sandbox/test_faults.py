"""Faults as commands: Slurm sees each, `heal` undoes each, and so does `down`."""

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.sandbox_fixture import Sandbox, run_hpcrun

pytestmark = pytest.mark.slurm

NAME = "faults"


@pytest.fixture(scope="module")
def faulty(sandbox: Sandbox) -> Iterator[str]:
    """Return the name of a sandbox that may be broken; what it is made of is there by `sandbox`."""
    options = ("--name", NAME, "--short-timeouts", "--emulation", "none")
    up = run_hpcrun("sandbox", "up", *options)
    assert up.returncode == 0, up.stderr
    yield NAME
    assert run_hpcrun("sandbox", "purge", "--name", NAME).returncode == 0


def run_inside(*argv: str, node: str = "login") -> subprocess.CompletedProcess[str]:
    return run_hpcrun("sandbox", "exec", "--name", NAME, "--node", node, "--", *argv)


def fault(*argv: str, node: str = "n1") -> subprocess.CompletedProcess[str]:
    return run_hpcrun("sandbox", "fault", "--name", NAME, node, *argv)


def await_word(word: str, *argv: str) -> str:
    ends = time.monotonic() + 90
    said = ""
    while word not in said and time.monotonic() < ends:
        time.sleep(0.5)
        said = run_inside(*argv).stdout
    assert word in said
    return said


def seconds_of(*argv: str, node: str = "n1") -> float:
    began = time.monotonic()
    done = run_inside(*argv, node=node)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - began


@pytest.mark.parametrize("kind", ["kill", "cut", "pause"])
def test_job_on_a_lost_node_fails_with_it_and_the_healed_node_takes_jobs(
    faulty: str, kind: str
) -> None:
    job = run_inside("sbatch", "--parsable", "-w", "n1", "--wrap", "sleep 4321").stdout.strip()
    await_word("RUNNING", "squeue", "-h", "-j", job, "-o", "%T")
    assert fault(kind).returncode == 0
    await_word("NODE_FAIL", "scontrol", "show", "job", job)
    await_word("down", "sinfo", "-h", "-n", "n1", "-o", "%T")

    healed = fault("heal")
    assert healed.returncode == 0, healed.stderr
    assert run_inside("srun", "-N2", "hostname").stdout.split() in (["n1", "n2"], ["n2", "n1"])


def test_full_disk_takes_no_file_until_it_is_healed(faulty: str) -> None:
    run_inside("sh", "-c", "echo mine >/tmp/mine", node="n1")
    write = ("sh", "-c", "head -c 100000 /dev/zero >/tmp/more")
    assert fault("fill-disk").returncode == 0
    assert "No space left" in run_inside(*write, node="n1").stderr
    assert run_inside(*write, node="n2").returncode == 0

    assert fault("heal").returncode == 0
    assert run_inside(*write, node="n1").returncode == 0
    assert run_inside("cat", "/tmp/mine", node="n1").stdout == "mine\n"


def test_slow_node_takes_several_times_as_long(faulty: str) -> None:
    work = (
        "srun",
        "-w",
        "n1",
        "-t1",
        "sh",
        "-c",
        "i=0; while [ $i -lt 1500000 ]; do i=$((i+1)); done",
    )
    sound_s = seconds_of(*work, node="login")
    assert fault("slow").returncode == 0
    assert fault("slow").returncode == 0
    assert seconds_of(*work, node="login") > 1.8 * sound_s
    assert fault("heal").returncode == 0
    assert run_inside("pgrep", "-f", "kill -s STOP", node="n1").stdout == ""


def test_throttled_link_has_the_rate_until_it_is_healed(faulty: str) -> None:
    assert fault("throttle", "1mbit").returncode == 0
    shown = run_inside("tc", "qdisc", "show", "dev", "eth0", node="n1").stdout
    assert "tbf" in shown
    assert "rate 1Mbit" in shown
    assert run_inside("srun", "-w", "n1", "hostname").stdout == "n1\n"
    assert fault("heal").returncode == 0
    assert "tbf" not in run_inside("tc", "qdisc", "show", "dev", "eth0", node="n1").stdout


def test_controller_that_is_restarted_still_knows_its_jobs(faulty: str) -> None:
    job = run_inside("sbatch", "--parsable", "-w", "n2", "--wrap", "sleep 4321").stdout.strip()
    await_word("RUNNING", "squeue", "-h", "-j", job, "-o", "%T")
    before = run_inside("pgrep", "-x", "slurmctld").stdout
    restarted = run_hpcrun("sandbox", "restart", "--name", NAME, "slurmctld")
    assert restarted.returncode == 0, restarted.stderr
    assert run_inside("pgrep", "-x", "slurmctld").stdout not in {before, ""}
    assert run_inside("squeue", "-h", "-j", job, "-o", "%T").stdout == "RUNNING\n"
    run_inside("scancel", job)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("n9", "cut"), "no compute node is named `n9`"),
        (("login", "cut"), "no compute node is named `login`"),
        (("n1", "throttle"), "takes a rate"),
        (("n1", "throttle", "fast"), "`fast` is no rate"),
        (("n1", "cut", "1mbit"), "takes a rate"),
    ],
)
def test_fault_that_makes_no_sense_is_a_usage_error(
    faulty: str, argv: tuple[str, ...], words: str
) -> None:
    done = run_hpcrun("sandbox", "fault", "--name", NAME, *argv)
    assert done.returncode == 64
    assert words in done.stderr


def test_down_ends_a_broken_sandbox_and_up_makes_a_sound_one(faulty: str) -> None:
    assert fault("pause").returncode == 0
    assert fault("cut", node="n2").returncode == 0
    assert run_hpcrun("sandbox", "down", "--name", NAME).returncode == 0
    assert run_hpcrun("sandbox", "up", "--name", NAME).returncode == 0
    assert run_inside("srun", "-N2", "true").returncode == 0
