"""Every Slurm version that a sandbox can have: its abilities, and the hello job in each of them.

By default one version besides the default one, which the commit chooses; all with `--all-versions`.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from hpcrun.sandbox.versions import SandboxVersion, default_version, known_versions
from hpcrun.store.ssh_runner import SshRunner
from tests.hello_job import lay_out_hello, run_hello
from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun, started

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer, pytest.mark.mpi]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "version" in metafunc.fixturenames:
        rows = _choose(is_all=bool(metafunc.config.getoption("--all-versions")))
        metafunc.parametrize("version", rows, ids=lambda row: row.slurm, scope="module")


def _choose(*, is_all: bool) -> tuple[SandboxVersion, ...]:
    """Return all versions but the default one, which all other tests are about, or one of them."""
    rows = tuple(row for row in known_versions() if row != default_version())
    if is_all:
        return rows
    asked = ["git", "-C", str(CHECKOUT), "rev-parse", "--short=8", "HEAD"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return (rows[int(told or "0", 16) % len(rows)],)


@pytest.fixture(scope="module")
def versioned(version: SandboxVersion) -> Iterator[Sandbox]:
    """Return a sandbox of that version."""
    name = f"tests-{version.slurm.replace('.', '')}"
    with started(name, "--slurm", version.slurm, "--ssh") as found:
        yield found


@pytest.fixture(scope="module")
def version_images(versioned: Sandbox) -> Mapping[str, Path]:
    names = ("openmpi", "mpich")
    recipe = CHECKOUT / "examples" / "images" / "build.py"
    argv = [sys.executable, str(recipe), "--sandbox", versioned.name, *names]
    made = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return dict(zip(names, map(Path, made.stdout.split()), strict=True))


def _kinds(versioned: Sandbox) -> set[str]:
    """Return what `srun --mpi=list` names; Slurm 20.11 tells it on stderr, behind `srun: `."""
    done = versioned.exec("srun", "--mpi=list")
    return set(re.findall(r"[a-z0-9_]+", done.stdout + done.stderr))


def test_version_is_what_its_row_and_profile_say(
    version: SandboxVersion, versioned: Sandbox
) -> None:
    done = versioned.exec("srun", "--version")
    assert done.stdout.startswith(f"slurm-wlm {version.slurm}.")
    libc = versioned.exec("ldd", "--version", node="n1").stdout.splitlines()[0]
    assert libc.endswith(version.glibc)
    assert set(version.mpi_types) <= _kinds(versioned)
    assert ("pmix" in version.mpi_types) == ("pmix" in _kinds(versioned))
    told = versioned.exec("apptainer", "--version", node="n1").stdout
    assert re.match(r"apptainer version \d", told), told


def test_hpcrun_runs_on_the_login_node_whatever_python_it_has(versioned: Sandbox) -> None:
    done = versioned.hpcrun("--version")
    assert done.stdout == run_hpcrun("--version").stdout, done.stderr


def test_login_node_is_reached_by_ssh(version: SandboxVersion, versioned: Sandbox) -> None:
    runner = SshRunner(f"hpcrun-{versioned.name}", versioned.ssh_config)
    assert runner.run(("sbatch", "--version")).text.startswith(f"slurm-wlm {version.slurm}.")


def test_job_steps_run_as_the_job_user_on_both_nodes(versioned: Sandbox) -> None:
    done = versioned.exec("srun", "-N2", "sh", "-c", "echo $(hostname) $(id -u)")
    expected = [f"{node} {versioned.uid}" for node in versioned.nodes]
    assert sorted(done.stdout.splitlines()) == expected, done.stderr


@pytest.mark.parametrize("image", ["openmpi", "mpich"])
def test_hello_runs_by_the_type_that_the_plan_picks(
    version: SandboxVersion,
    versioned: Sandbox,
    version_images: Mapping[str, Path],
    image: str,
) -> None:
    assert version_images[image].parent == versioned.share / "images"
    nodes, libraries = run_hello(versioned, lay_out_hello(versioned, version_images[image]))
    assert nodes == set(versioned.nodes)
    # mpi4py takes any MPI: where Open MPI would be left alone the plan binds the site's MPICH.
    speaks_pmix = image == "openmpi" and "pmix" in version.mpi_types
    assert libraries == {"Open" if speaks_pmix else "MPICH"}


def test_image_s_own_open_mpi_is_refused_where_slurm_serves_no_pmix(
    version: SandboxVersion, versioned: Sandbox, version_images: Mapping[str, Path]
) -> None:
    changes = {"mpi": {"model": "hybrid"}}
    job_file = lay_out_hello(versioned, version_images["openmpi"], changes=changes)
    done = run_hpcrun("plan", str(job_file), "--site", str(versioned.profile))
    told = done.stdout + done.stderr
    assert done.returncode == int("pmix" not in version.mpi_types), told
    if "pmix" not in version.mpi_types:
        errors = [line for line in told.splitlines() if line.startswith("error[")]
        assert [line.partition(":")[0] for line in errors] == ["error[HPR401]"]
        assert "does not serve Open MPI" in errors[0]
        assert "help: use `mpi: {model: bind, pmi: pmi2}`, which would work" in told


def test_other_version_than_the_sandbox_has_is_refused(
    version: SandboxVersion, versioned: Sandbox
) -> None:
    other = default_version().slurm
    done = run_hpcrun("sandbox", "up", "--name", versioned.name, "--slurm", other)
    assert done.returncode == 64
    assert f"Slurm {version.slurm}, not {other}" in done.stderr
    again = run_hpcrun("sandbox", "up", "--name", versioned.name)
    assert f"Slurm {version.slurm}" in again.stdout, again.stderr


@dataclass
class HeldJob:
    """A job on both nodes that runs until it is let go, and then has a step."""

    sandbox: Sandbox

    @property
    def folder(self) -> Path:
        return self.sandbox.share / "held"

    def start(self) -> None:
        script = "echo > started; until [ -e go ]; do sleep 0.1; done; srun hostname > said"
        argv = f"rm -rf held && mkdir held && cd held && sbatch -N2 --wrap '{script}'"
        done = self.sandbox.exec("sh", "-c", argv, folder=self.sandbox.share)
        assert done.returncode == 0, done.stderr
        assert _await((self.folder / "started").exists)

    def ends_well(self) -> bool:
        """Let it go: True when its step ran on both nodes."""
        nodes = set(self.sandbox.nodes)
        self.sandbox.exec("touch", "go", folder=self.folder)
        said = self.folder / "said"
        return _await(lambda: said.exists() and set(said.read_text().split()) == nodes)


def _await(is_so: Callable[[], bool]) -> bool:
    ends = time.monotonic() + 120
    while not is_so():
        if time.monotonic() > ends:
            return False
        time.sleep(0.1)
    return True


# The last one of a version, which it ends.
def test_end_of_a_version_leaves_jobs_of_another_alone(
    versioned: Sandbox, sandbox: Sandbox
) -> None:
    job, other_job = HeldJob(versioned), HeldJob(sandbox)
    with started("beside", "--slurm", default_version().slurm, "--emulation", "none") as beside:
        for each in (job, other_job, HeldJob(beside)):
            each.start()
        for verb in ("down", "purge"):
            done = run_hpcrun("sandbox", verb, "--name", beside.name)
            assert done.returncode == 0, done.stderr
    assert job.ends_well()
    job.start()
    for verb in ("down", "purge"):
        done = run_hpcrun("sandbox", verb, "--name", versioned.name)
        assert done.returncode == 0, done.stderr
    assert other_job.ends_well()
    told = sandbox.exec("srun", "--version").stdout
    assert told.startswith(f"slurm-wlm {default_version().slurm}.")


def test_unknown_version_tells_which_there_are() -> None:
    done = run_hpcrun("sandbox", "up", "--name", "nosuch", "--slurm", "19.05")
    assert done.returncode == 64
    assert all(row.slurm in done.stderr for row in known_versions())
