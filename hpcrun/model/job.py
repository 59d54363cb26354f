"""job.yaml as values (formats.md, version 1); does not read files."""

from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field

from hpcrun.model.base import Line, Value

JOB_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
ENV_NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"


class ImageRef(Value):
    """One image: a path or address, with the SHA-256 its file must have."""

    ref: Line
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class Image(Value):
    """The image of a job: one reference for all processors, or one per processor (OCI names)."""

    any_arch: ImageRef | None = None
    by_arch: dict[str, ImageRef] = Field(default_factory=dict)


class Resources(Value):
    """What the job asks of the scheduler."""

    nodes: int = Field(default=1, ge=1)
    tasks: int | None = Field(default=None, ge=1)
    tasks_per_node: int | None = Field(default=None, ge=1)
    cpus_per_task: int = Field(default=1, ge=1)
    memory_per_node_mib: int | None = Field(default=None, ge=1)
    memory_per_cpu_mib: int | None = Field(default=None, ge=1)
    gpus_per_node: int = Field(default=0, ge=0)
    walltime_s: int | None = Field(default=None, ge=1)
    """None is Slurm's default of the partition."""
    extra: dict[str, str] = Field(default_factory=dict)
    """Further sbatch options by their long names, without the dashes."""

    @property
    def n_tasks(self) -> int:
        """All tasks of the job."""
        if self.tasks is not None:
            return self.tasks
        return self.nodes * (self.tasks_per_node or 1)


class MpiWish(Value):
    """What the job asks of the planner about MPI."""

    model: Literal["auto", "bind", "hybrid", "contained", "none"] = "auto"
    launcher: Literal["auto", "srun", "mpirun", "mpiexec"] = "auto"
    pmi: Line = "auto"
    fabric: Literal["auto", "image", "injected"] = "auto"


class JobMount(Value):
    """A host path that the container sees at a path of its own."""

    host: Path
    container: PurePosixPath
    mode: Literal["ro", "rw"] = "rw"


class Submit(Value):
    """Where and under which account the job goes."""

    site: Line = "auto"
    partition: Line | None = None
    account: Line | None = None
    qos: Line | None = None
    constraint: Line | None = None
    reservation: Line | None = None


class Allow(Value):
    """One rule that this job overrides, with the reason that stays on record."""

    rule: str = Field(pattern=r"^HPR\d{3}$")
    because: Line = Field(min_length=1)


class Job(Value):
    """One job.yaml; paths in it are absolute, resolved against the file's folder."""

    version: Literal[1]
    name: str = Field(pattern=JOB_NAME_PATTERN)
    image: Image
    command: tuple[str, ...] | None = Field(default=None, min_length=1)
    script: str | None = None
    """Instead of command: run by bash in every task inside the container."""
    resources: Resources = Resources.model_construct()
    mpi: MpiWish = MpiWish.model_construct()
    execution: Literal["auto", "native", "emulated"] = "auto"
    mounts: tuple[JobMount, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    workdir: Path
    stage_in: tuple[Line, ...] | None = None
    """Patterns of what goes along of workdir to a site that does not see it; None is all."""
    stage_out: tuple[Line, ...] | None = None
    """Patterns of what comes back; None is all that is new or changed."""
    submit: Submit = Submit.model_construct()
    gate: Literal["auto", "always", "never"] = "auto"
    allow: tuple[Allow, ...] = ()
    file: Path
    """The job.yaml that this was loaded from."""

    @property
    def argv(self) -> tuple[str, ...]:
        """What every task runs inside the container."""
        if self.command is not None:
            return self.command
        return ("bash", "-c", self.script or "")
