"""Images for another processor run where a node has an emulator, and are refused where none has.

By default in the default Slurm version; in all of them with `--all-versions`.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcrun.sandbox.places import places
from hpcrun.sandbox.state import read_running
from hpcrun.sandbox.versions import SandboxVersion, default_version, known_versions
from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer, pytest.mark.mpi]

NAME = "emulating"
NODES = ("n1", "n2")
HANDLERS = Path("/proc/sys/fs/binfmt_misc")
LAYOUT = "resources: {nodes: 2, tasks: 2, memory_per_node: 500 MiB, walltime: 00:05:00}\n"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "version" in metafunc.fixturenames:
        is_all = metafunc.config.getoption("--all-versions")
        rows = known_versions() if is_all else (default_version(),)
        metafunc.parametrize("version", rows, ids=lambda row: row.slurm, scope="module")


@pytest.fixture(scope="module")
def share(sandbox: Sandbox, version: SandboxVersion) -> Iterator[Path]:
    """Return the shared folder of a sandbox that emulates, with the arm64 image in it."""
    up = run_hpcrun("sandbox", "up", "--name", NAME, "--slurm", version.slurm)
    assert up.returncode == 0, up.stderr
    state = read_running(places(NAME))
    assert state is not None
    if not state.emulation:
        run_hpcrun("sandbox", "purge", "--name", NAME)
        pytest.skip(state.warnings[0])
    recipe = CHECKOUT / "examples/images/build.py"
    made = subprocess.run(
        [sys.executable, recipe, "--sandbox", NAME, "openmpi-arm64"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        check=False,
    )
    assert made.returncode == 0, made.stderr
    yield Path(state.share)
    assert run_hpcrun("sandbox", "purge", "--name", NAME).returncode == 0


def run_inside(*argv: str, node: str = "login", stdin: str = "") -> str:
    options = ("--name", NAME, "--node", node)
    done = run_hpcrun("sandbox", "exec", *options, "--", *argv, stdin=stdin)
    return done.stdout + done.stderr


def write_job(share: Path, *, command: str = "[python3, hello.py]", rest: str = "") -> Path:
    image = f"image: {share}/images/openmpi-arm64.sif\n"
    job = f"version: 1\nname: hello\n{image}command: {command}\n{rest}"
    hello = (CHECKOUT / "examples/hello/hello.py").read_text()
    folder = share / "arm"
    run_inside("mkdir", "-p", str(folder))
    run_inside("sh", "-c", 'cat >"$0"', str(folder / "hello.py"), stdin=hello)
    run_inside("sh", "-c", 'cat >"$0"', str(folder / "job.yaml"), stdin=job + LAYOUT)
    return folder / "job.yaml"


def submit(job: Path) -> subprocess.CompletedProcess[str]:
    profile = str(places(NAME).profile)
    return run_hpcrun("submit", str(job), "--site", profile, "--wait", "--json")


def test_arm64_program_runs_on_two_nodes_and_leaves_the_machine_s_handlers_alone(
    share: Path,
) -> None:
    before = sorted(HANDLERS.iterdir()) if HANDLERS.is_dir() else []
    job = write_job(share, command='[uname, "-nm"]', rest="mpi: none\n")
    plan = run_hpcrun("plan", str(job), "--site", str(places(NAME).profile), "--json")
    assert json.loads(plan.stdout)["chosen"]["execution"] == "emulated"

    done = submit(job)
    assert done.returncode == 0, done.stdout + done.stderr
    said = run_inside("sh", "-c", 'cd "$0" && hpcrun logs', str(job.parent))
    assert sorted(re.findall(r"(n\d) aarch64", said)) == ["n1", "n2"], said
    assert before == (sorted(HANDLERS.iterdir()) if HANDLERS.is_dir() else [])


def test_arm64_mpi_program_runs_as_two_ranks_on_two_nodes(
    share: Path, version: SandboxVersion
) -> None:
    job = write_job(share)
    done = submit(job)
    if "pmix" not in version.mpi_types:
        assert done.returncode == 1
        assert "error[HPR401]" in done.stderr
        return
    assert done.returncode == 0, done.stdout + done.stderr
    said = run_inside("sh", "-c", 'cd "$0" && hpcrun logs', str(job.parent))
    assert sorted(re.findall(r"rank (\d of \d) on (n\d),", said)) == [
        ("0 of 2", "n1"),
        ("1 of 2", "n2"),
    ], said


@pytest.mark.parametrize(
    ("emulation", "runs_on"), [("none", set()), ("n1", {"n1"})], ids=["none", "one-of-two"]
)
def test_image_for_another_processor_is_refused_where_a_node_lacks_the_handler(
    share: Path, emulation: str, runs_on: set[str]
) -> None:
    assert run_hpcrun("sandbox", "down", "--name", NAME).returncode == 0
    up = run_hpcrun("sandbox", "up", "--name", NAME, "--emulation", emulation)
    assert up.returncode == 0, up.stderr
    image = str(share / "images/openmpi-arm64.sif")
    said = {
        node: run_inside("apptainer", "exec", image, "uname", "-m", node=node) for node in NODES
    }
    assert {node for node in NODES if "aarch64\n" in said[node]} == runs_on, said
    for node in set(NODES) - runs_on:
        assert "could not run on the host's (amd64)" in said[node]

    refused = run_hpcrun("submit", str(write_job(share)), "--site", str(places(NAME).profile))
    assert refused.returncode == 1
    assert "error[HPR202]" in refused.stderr or "error[HPR601]" in refused.stderr
    other = run_hpcrun("sandbox", "up", "--name", NAME, "--emulation", "all")
    assert other.returncode == 64
    assert "emulation on" in other.stderr
