"""A job goes from job.yaml to its result on a real Slurm, and MPI's own words prove how."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.sandbox_fixture import CHECKOUT, Sandbox

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer, pytest.mark.mpi]

HELLO = CHECKOUT / "examples" / "hello" / "hello.py"
LAYOUT = "resources: {nodes: 2, tasks: 4, memory_per_node: 500 MiB, walltime: 00:05:00}\n"
MPI_DEFAULTS = {"none": "(null)", "pmi2": "pmi2", "pmix": "pmix"}
"""Each default, and how Slurm shows it."""


def job_text(image: Path, command: str, rest: str = LAYOUT) -> str:
    return f"version: 1\nname: hello\nimage: {image}\ncommand: {command}\n{rest}"


def submit(sandbox: Sandbox, folder: Path, text: str) -> dict[str, object]:
    """Submit on the login node, as on any cluster, and wait; the JSON of the finished run."""
    sandbox.exec("sh", "-c", 'cat >"$0/job.yaml"', str(folder), stdin=text)
    sandbox.exec("sh", "-c", 'cat >"$0/hello.py"', str(folder), stdin=HELLO.read_text())
    done = sandbox.hpcrun("submit", "job.yaml", "--wait", "--json", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def output(sandbox: Sandbox, folder: Path) -> str:
    shown = sandbox.hpcrun("logs", folder=folder)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def ranks_seen(text: str) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in re.findall(r"rank (\d+) of (\d+)", text)]


def chosen(sandbox: Sandbox, folder: Path) -> dict[str, object]:
    planned = sandbox.hpcrun("plan", "job.yaml", "--json", folder=folder)
    assert planned.returncode == 0, planned.stderr
    return json.loads(planned.stdout)["chosen"]  # type: ignore[no-any-return]


@pytest.fixture(params=MPI_DEFAULTS)
def mpi_default(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[str]:
    """Give Slurm another MpiDefault on every node for one test."""

    def use(kind: str) -> None:
        for node in ("login", *sandbox.nodes):
            edit = f"s/^MpiDefault=.*/MpiDefault={kind}/"
            changed = sandbox.exec(
                "sed", "-i", edit, "/etc/slurm/slurm.conf", node=node, user="root"
            )
            assert changed.returncode == 0, changed.stderr
        told = sandbox.exec("scontrol", "reconfigure", user="root")
        assert told.returncode == 0, told.stderr
        shown = sandbox.exec("scontrol", "show", "config").stdout
        assert re.findall(r"MpiDefault\s*= (\S+)", shown) == [MPI_DEFAULTS[kind]]

    use(request.param)
    yield request.param
    use("none")


ALL_OF_FOUR = [(rank, 4) for rank in range(4)]


@pytest.mark.parametrize(
    ("image", "srun_mpi", "library"),
    [("openmpi", "pmix", "Open MPI v5.0.7"), ("mpich", "pmi2", "MPICH Version:")],
)
def test_image_with_mpi_is_wired_up_whatever_the_default(
    *,
    sandbox: Sandbox,
    images: Mapping[str, Path],
    shared_folder: Path,
    mpi_default: str,
    image: str,
    srun_mpi: str,
    library: str,
) -> None:
    submit(sandbox, shared_folder, job_text(images[image], "[python3, hello.py]"))
    text = output(sandbox, shared_folder)
    plan = chosen(sandbox, shared_folder)
    assert (plan["model"], plan["srun_mpi"]) == ("hybrid", srun_mpi)
    assert ranks_seen(text) == ALL_OF_FOUR
    assert text.count(library) == len(ALL_OF_FOUR)
    assert {"n1", "n2"} <= set(re.findall(r"\bn\d\b", text))


def test_image_without_mpi_runs_on_a_host_stack(
    sandbox: Sandbox, images: Mapping[str, Path], shared_folder: Path
) -> None:
    submit(sandbox, shared_folder, job_text(images["nompi"], "[python3, hello.py]"))
    text = output(sandbox, shared_folder)
    plan = chosen(sandbox, shared_folder)
    assert plan["model"] == "bind"
    assert ranks_seen(text) == ALL_OF_FOUR
    version = str(plan["mpi_stack"]).rpartition("-")[2]
    assert len(re.findall(rf"(?:Open MPI v|MPICH Version:\s*){re.escape(version)}", text)) == 4


def test_each_host_stack_runs_when_asked_for(
    sandbox: Sandbox, images: Mapping[str, Path], shared_folder: Path
) -> None:
    wish = LAYOUT + "mpi: {model: bind, pmi: pmi2}\n"
    submit(sandbox, shared_folder, job_text(images["nompi"], "[python3, hello.py]", wish))
    text = output(sandbox, shared_folder)
    assert ranks_seen(text) == ALL_OF_FOUR
    assert text.count("MPICH Version:") == len(ALL_OF_FOUR)


def test_serial_job_runs_without_any_mpi(
    sandbox: Sandbox, images: Mapping[str, Path], shared_folder: Path
) -> None:
    rest = "resources: {memory_per_node: 200 MiB, walltime: 5 min}\n"
    submit(sandbox, shared_folder, job_text(images["nompi"], "[printenv]", rest))
    plan = chosen(sandbox, shared_folder)
    assert (plan["model"], plan["srun_mpi"]) == ("none", "none")
    text = output(sandbox, shared_folder)
    assert "SLURM_PROCID=0" in text
    assert re.findall(r"(?m)^(?:PMI|OMPI|OPAL|MPI4PY|LD_LIBRARY_PATH=.*mpi).*", text) == []


def test_job_submitted_from_outside_runs_as_its_user(
    sandbox: Sandbox, images: Mapping[str, Path], shared_folder: Path
) -> None:
    from tests.sandbox_fixture import run_hpcrun

    text = job_text(images["openmpi"], "[python3, hello.py]")
    sandbox.exec("sh", "-c", 'cat >"$0/job.yaml"', str(shared_folder), stdin=text)
    sandbox.exec("sh", "-c", 'cat >"$0/hello.py"', str(shared_folder), stdin=HELLO.read_text())
    job = str(shared_folder / "job.yaml")
    done = run_hpcrun("submit", job, "--site", str(sandbox.profile), "--wait", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ranks_seen(output(sandbox, shared_folder)) == ALL_OF_FOUR
    owners = {path.stat().st_uid for path in (shared_folder / ".hpcrun").rglob("*")}
    assert owners == {sandbox.uid_outside}


HYBRID_BY_PMI2 = LAYOUT + "mpi: {model: hybrid, pmi: pmi2}\n"
REFUSED = {
    "foreign-processor": ("foreign", "[busybox, ls]", "resources: {}\n", "HPR202"),
    "pmi-not-offered": ("openmpi", "[python3, hello.py]", HYBRID_BY_PMI2, "HPR401"),
    "no-mpi-at-all": ("foreign", "[busybox, ls]", LAYOUT, "HPR202"),
    "too-many-nodes": ("openmpi", "[ls]", "resources: {nodes: 99}\n", "HPR1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_job_that_cannot_work_is_refused_and_submits_nothing(
    sandbox: Sandbox, images: Mapping[str, Path], shared_folder: Path, case: str
) -> None:
    image, command, rest, code = REFUSED[case]
    text = job_text(images[image], command, rest)
    sandbox.exec("sh", "-c", 'cat >"$0/job.yaml"', str(shared_folder), stdin=text)
    before = sandbox.exec("scontrol", "show", "jobs").stdout.count("JobId=")
    done = sandbox.hpcrun("submit", "job.yaml", folder=shared_folder)
    assert done.returncode == 1
    assert f"error[{code}" in done.stderr
    assert "help:" in done.stderr
    assert not (shared_folder / ".hpcrun").exists()
    assert sandbox.exec("scontrol", "show", "jobs").stdout.count("JobId=") <= before
