"""Plan and place of a run → the flat values that templates see; does not quote or render.

templates/README.md is the contract of these names.
"""

from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from hpcrun.errors import InputError
from hpcrun.model.plan import Candidate, Layout, Plan, PlannedMount
from hpcrun.render import apptainer
from hpcrun.units import format_slurm_duration

PASSED_ON = ("HOME", "LOGNAME", "PATH", "USER")
"""What srun passes on to the ranks of the submitter's environment; Slurm's own variables always
come along. Nothing else, so that a job behaves the same whoever submits it from wherever: no
APPTAINER_BIND, LD_PRELOAD, OMPI_MCA_… or PYTHONPATH of a login shell reaches a rank. PATH is what
finds the container runtime."""


class RunPlace(NamedTuple):
    """Where a run lives and what it is called."""

    folder: Path
    name: str
    token: str


def header_values(plan: Plan, place: RunPlace) -> dict[str, Any]:
    """Return what the #SBATCH lines are made of."""
    layout = plan.layout
    return {
        "title": f"{plan.job} at site {plan.site}, written by hpcrun as run {place.name}",
        "how": _how(chosen(plan)),
        "job_name": plan.job,
        "comment": f"hpcrun:{place.token}",
        "output": str(place.folder / "logs" / "slurm-%j.out"),
        "workdir": str(place.folder / plan.workdir),
        "partition": layout.partition,
        "account": layout.account,
        "qos": layout.qos,
        "constraint": layout.constraint,
        "reservation": layout.reservation,
        "memory_per_node": _mebibytes(layout.memory_per_node_mib),
        "memory_per_cpu": _mebibytes(layout.memory_per_cpu_mib),
        "gpus_per_node": layout.gpus_per_node,
        "walltime": None if layout.walltime_s is None else format_slurm_duration(layout.walltime_s),
        "extra": [{"name": k, "value": v} for k, v in sorted(layout.extra.items())],
        **_shape(layout),
    }


def body_values(plan: Plan, place: RunPlace) -> dict[str, Any]:
    """Return what the shell part is made of."""
    prefix = apptainer.variable_prefix(plan.runtime_command)
    environment = [
        {"name": prefix + name, "value": item.value, "why": item.why}
        for name, item in sorted(plan.environment.items())
    ]
    # Outer ones first, so that none hides one that lies deeper.
    mounts = [_placed(mount, place) for mount in plan.mounts]
    mounts.sort(key=lambda mount: len(mount.container.parts))
    exported = [*PASSED_ON, *(item["name"] for item in environment)]
    return {
        "run_folder": str(place.folder),
        "image_path": str(plan.image.path),
        "image_kind": plan.image.kind,
        "image_stamp": f"{plan.image.size_bytes} {plan.image.mtime_ns // 10**9}",
        "runtime": plan.runtime_command,
        "runtime_missing": f"there is no {plan.runtime_command} on this node",
        "workdir": str(place.folder / plan.workdir),
        "env_prefix": prefix,
        "environment": environment,
        "exported": ",".join(exported),
        "srun_mpi": chosen(plan).srun_mpi or "none",
        "mounts": [apptainer.mount_text(mount) for mount in mounts],
        "argv": list(plan.argv),
        **_shape(plan.layout),
    }


def _placed(mount: PlannedMount, place: RunPlace) -> PlannedMount:
    """Give a relative path its folder: that of the run, where its files went along."""
    host, container = place.folder / mount.host, PurePosixPath(place.folder) / mount.container
    return mount.model_copy(update={"host": host, "container": container})


def chosen(plan: Plan) -> Candidate:
    """Return the candidate that the script carries out."""
    if plan.chosen is None:
        raise InputError(f"the plan of `{plan.job}` is refused, so there is nothing to render")
    if plan.chosen.launcher != "srun":
        raise InputError(f"cannot render a script for the launcher `{plan.chosen.launcher}`")
    return plan.chosen


def _how(candidate: Candidate) -> str:
    started = f"started by `srun --mpi={candidate.srun_mpi or 'none'}`"
    if candidate.execution == "emulated":
        started += f", on emulated {candidate.image_arch}"
    if candidate.model == "hybrid":
        return f"hybrid model: the image's own MPI, {started}"
    if candidate.model == "bind":
        return f"bind model: the site's {candidate.mpi_stack} in the image's place, {started}"
    return f"no MPI, {started}"


def _shape(layout: Layout) -> dict[str, Any]:
    return {
        "nodes": layout.nodes,
        "tasks": layout.tasks,
        "tasks_per_node": layout.tasks_per_node,
        "cpus_per_task": layout.cpus_per_task,
    }


def _mebibytes(amount: int | None) -> str | None:
    return None if amount is None else f"{amount}M"
