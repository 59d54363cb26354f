"""Plans of the golden scripts; `python -m tests.golden.script.make_case` writes them anew."""

from pathlib import Path, PurePosixPath
from typing import Any

from hpcrun.model.plan import (
    Candidate,
    Layout,
    Plan,
    PlannedImage,
    PlannedMount,
    PlannedVariable,
)
from hpcrun.model.verdict import Answer

HERE = Path(__file__).resolve().parent
HOSTILE = 'it\'s "$HOME" `id` \\ #1; 50% & <a|b> *'


def plan(**changes: Any) -> Plan:
    """Return an ordinary plan with some values changed."""
    work = Path("/scratch/anna/brains")
    values: dict[str, Any] = {
        "job": "brain-registration",
        "site": "fjord",
        "image": PlannedImage(
            path=work / "registration.sif",
            kind="sif",
            arch="amd64",
            digest="sif:" + "0" * 64,
            size_bytes=270123008,
            mtime_ns=1763600000123456789,
        ),
        "chosen": candidate(),
        "layout": Layout(
            partition="main",
            nodes=2,
            tasks=4,
            cpus_per_task=1,
            memory_per_node_mib=2048,
            walltime_s=600,
        ),
        "argv": ("python3", "/opt/register.py", "--fixed", "t1.nii.gz"),
        "workdir": work,
        "mounts": (mount(work, work, "the working folder"),),
        "environment": {"OMP_NUM_THREADS": PlannedVariable(value="1", why="job.yaml")},
    }
    return Plan(**{**values, **changes})


def candidate(**changes: Any) -> Candidate:
    """Return an ordinary candidate with some values changed."""
    values = {
        "model": "hybrid",
        "srun_mpi": "pmix",
        "image_arch": "amd64",
        "verdict": Answer.COMPATIBLE,
    }
    return Candidate(**{**values, **changes})


def mount(host: Path, container: Path, why: str, **changes: Any) -> PlannedMount:
    """Return a mount that can be written to."""
    values = {"host": host, "container": PurePosixPath(container), "mode": "rw", "why": why}
    return PlannedMount(**{**values, **changes})


def cases() -> dict[str, Plan]:
    """Return every plan by the name of its case."""
    prefix = Path("/opt/hpc/openmpi-5.0.11")
    hostile = Path(f"/scratch/{HOSTILE}".replace("\\", ""))
    return {
        "hybrid-openmpi": plan(),
        "hybrid-mpich": plan(chosen=candidate(srun_mpi="pmi2"), environment={}),
        "bind-openmpi": plan(
            chosen=candidate(model="bind", mpi_stack="openmpi-5.0.11"),
            mounts=(mount(prefix, prefix, "the site's MPI", mode="ro"),),
            environment={
                "LD_LIBRARY_PATH": PlannedVariable(value=f"{prefix}/lib", why="the site's MPI"),
                "OPAL_PREFIX": PlannedVariable(value=str(prefix), why="Open MPI finds its parts"),
            },
        ),
        "none-serial": plan(
            chosen=candidate(model="none", srun_mpi=None),
            layout=Layout(nodes=1, tasks=1, cpus_per_task=8),
            environment={},
            argv=("fslinfo", "t1.nii.gz"),
        ),
        "emulated-folder-singularity": plan(
            image=PlannedImage(
                path=Path("/scratch/anna/arm64-root"),
                kind="folder",
                arch="arm64",
                digest="folder:1",
                size_bytes=0,
                mtime_ns=0,
            ),
            chosen=candidate(execution="emulated", image_arch="arm64"),
            runtime_command="/opt/singularity/bin/singularity",
        ),
        "every-option": plan(
            layout=Layout(
                partition="gpu",
                account="neuro",
                qos="high",
                constraint="a100&nvme",
                reservation="course",
                nodes=4,
                tasks=16,
                tasks_per_node=4,
                cpus_per_task=8,
                memory_per_cpu_mib=4000,
                gpus_per_node=4,
                walltime_s=90061,
                extra={"licenses": "fsl:1", "exclusive": ""},
            ),
        ),
        "hostile-text": plan(
            layout=Layout(
                account=HOSTILE, nodes=1, tasks=1, cpus_per_task=1, extra={"licenses": HOSTILE}
            ),
            argv=("sh", "-c", f"echo {HOSTILE}\necho second line\n", "", "--", HOSTILE),
            workdir=hostile,
            environment={"TEXT": PlannedVariable(value=f"{HOSTILE},\nb", why="job\n.yaml")},
            mounts=(mount(hostile, hostile, "job.yaml"),),
        ),
    }


if __name__ == "__main__":
    for name, made in cases().items():
        (HERE / name).mkdir(exist_ok=True)
        (HERE / name / "plan.json").write_text(made.model_dump_json(indent=2) + "\n")
