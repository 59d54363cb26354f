"""The complete decision before any text is rendered (formats.md, Plan as JSON); does not decide."""

from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field

from hpcrun.model.base import Value
from hpcrun.model.container import ImageKind
from hpcrun.model.diagnostic import Diagnostic
from hpcrun.model.verdict import Answer, Ground, Reason


class Candidate(Value):
    """One way to run the job, with the verdict on it."""

    model: Literal["hybrid", "bind", "contained", "none"]
    launcher: Literal["srun", "mpirun", "mpiexec"] = "srun"
    srun_mpi: str | None = None
    """The value of `srun --mpi`."""
    mpi_stack: str | None = None
    """Name in the profile: of the stack that is bound, or whose launcher starts the ranks."""
    fabric: Literal["image", "injected"] = "image"
    execution: Literal["native", "emulated"] = "native"
    image_arch: str
    """OCI name (amd64, arm64)."""
    verdict: Answer
    reasons: tuple[Reason, ...] = ()
    grounds: tuple[Ground, ...] = ()
    """What a compatible verdict rests on; told of the chosen one only."""


class Skipped(Value):
    """A rule that could not be checked, which is not the same as passed."""

    code: str
    message: str
    """What cannot be told."""
    lacking: tuple[str, ...]
    """The facts that are missing, and where they should stand."""


class PlannedImage(Value):
    """The image that was planned for; the script and submit check that it is still that one."""

    path: Path
    kind: ImageKind
    arch: str
    """OCI name (amd64, arm64)."""
    digest: str
    size_bytes: int
    mtime_ns: int


class Layout(Value):
    """What is asked of the scheduler, spelled out."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    reservation: str | None = None
    nodes: int
    tasks: int
    tasks_per_node: int | None = None
    cpus_per_task: int
    memory_per_node_mib: int | None = None
    memory_per_cpu_mib: int | None = None
    gpus_per_node: int = 0
    walltime_s: int | None = None
    extra: dict[str, str] = Field(default_factory=dict)


class PlannedMount(Value):
    """A host path shown at a container path, and why."""

    host: Path
    container: PurePosixPath
    mode: Literal["ro", "rw"]
    why: str


class PlannedVariable(Value):
    """An environment variable set inside the container, and why."""

    value: str
    why: str


class Plan(Value):
    """What will be done; `chosen` is None when the job is refused."""

    version: Literal[1] = 1
    job: str
    site: str
    image: PlannedImage
    chosen: Candidate | None
    why: tuple[str, ...] = ()
    """Why it was chosen, for people: two or three sentences without full stops."""
    candidates: tuple[Candidate, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    layout: Layout
    argv: tuple[str, ...]
    """What every task runs inside the container."""
    runtime_command: str = "apptainer"
    workdir: Path
    environment: dict[str, PlannedVariable] = Field(default_factory=dict)
    mounts: tuple[PlannedMount, ...] = ()
    script_sha256: str | None = None
    """Of the rendered script with its run placeholders (run folder and token) still open."""

    @property
    def is_refused(self) -> bool:
        """Whether this plan must not be submitted."""
        return self.chosen is None or any(d.refuses for d in self.diagnostics)
