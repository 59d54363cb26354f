"""Runs and their states as values; does not touch the run folder."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from hpcrun.model.base import Line, Value

SCRIPT_NAME = "job.sh"
"""Name of the script in the folder of a run."""


_FIRST_YEAR, _LAST_YEAR = 1970, 9000


def _within_calendars(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError("must be a time that every calendar can show")
    return moment


# The job can write to its run's folder, so what is read back there may be anything.
Moment = Annotated[AwareDatetime, AfterValidator(_within_calendars)]
"""A point in time that can be compared with every other, and shown in every time zone."""

JobId = Annotated[str, Field(pattern="^[0-9]{1,20}$")]
"""Slurm's number of a job, never an option of its commands."""

ExitStatus = Annotated[int, Field(ge=0, le=65_535)]
"""Exit code or signal of a job."""


class JobState(StrEnum):
    """Slurm's job states (squeue(1), JOB STATE CODES), and two of our own at the end."""

    PENDING = "PENDING"
    CONFIGURING = "CONFIGURING"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    STOPPED = "STOPPED"
    COMPLETING = "COMPLETING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMEOUT = "TIMEOUT"
    NODE_FAIL = "NODE_FAIL"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    PREEMPTED = "PREEMPTED"
    BOOT_FAIL = "BOOT_FAIL"
    DEADLINE = "DEADLINE"
    REVOKED = "REVOKED"
    OTHER = "OTHER"
    """A state of Slurm that this hpcrun does not know; the raw word stands in the report."""
    LOST = "LOST"
    """Slurm no longer knows the job and it left no final record (a node died, or a kill -9)."""
    NOT_SUBMITTED = "NOT_SUBMITTED"
    """The run folder exists, but sbatch never accepted the job."""


FINAL_STATES = frozenset(
    {
        JobState.COMPLETED,
        JobState.FAILED,
        JobState.CANCELLED,
        JobState.TIMEOUT,
        JobState.NODE_FAIL,
        JobState.OUT_OF_MEMORY,
        JobState.PREEMPTED,
        JobState.BOOT_FAIL,
        JobState.DEADLINE,
        JobState.REVOKED,
        JobState.LOST,
        JobState.NOT_SUBMITTED,
    }
)


class Submitter(Value):
    """The hpcrun process that submits a run; tells a submission under way from a dead one."""

    host: str
    pid: int
    started: str
    """Start time in the kernel's own count, so that a reused pid is not mistaken for it."""


class SubmitRequest(Value):
    """One submission as asked of a scheduler."""

    script: str
    """Text of the batch script; it goes to sbatch on standard input."""
    run_name: str
    token: str
    """Carried by Slurm as the job's comment, so that a doubled submission can be found."""
    folder: Path


class JobReport(Value):
    """What the scheduler, or the job's own last record, says about a job."""

    version: Literal[1] = 1
    job_id: Literal[""] | JobId
    state: JobState
    raw_state: str = ""
    """The scheduler's own word."""
    reason: str = ""
    """Why it waits or ended, in the scheduler's own word (squeue's REASON)."""
    exit_code: ExitStatus | None = None
    signal: ExitStatus | None = None
    nodes: str = ""
    failed_nodes: str = ""
    """Those of its nodes that it lost."""
    cancelled_by: str = ""
    """Who cancelled it, as the scheduler's accounting says it."""
    elapsed_s: int | None = None
    submitted_at: Moment | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    origin: Literal["squeue", "sacct", "scontrol", "record", "none"] = "none"
    """Who said so; of a job that has ended, `squeue` says that more may become known."""
    token: str | None = None
    """The token of hpcrun that the job carries, where the scheduler says."""
    job_name: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether the state can no longer change."""
        return self.state in FINAL_STATES


class Submission(Value):
    """That a scheduler accepted a job."""

    version: Literal[1] = 1
    job_id: JobId
    submitted_at: Moment
    messages: tuple[str, ...] = ()
    """What the scheduler had to say when it accepted the job."""


class StartRecord(Value):
    """`start.json`, written by the job's script once it has claimed the run."""

    version: Literal[1] = 1
    job_id: JobId
    nodes: Line = ""
    started_at: Moment


class FinalRecord(Value):
    """`final.json`, written by the job's script when it ends or is asked to end."""

    version: Literal[1] = 1
    job_id: JobId
    stage: Literal["start", "preflight", "application"]
    exit_code: ExitStatus
    signal: ExitStatus | None = None
    """What Slurm, or somebody, sent to the script."""
    started_at: Moment
    ended_at: Moment
    ends_at: Moment | None = None
    """The time limit."""
    cause: Literal["out-of-memory"] | None = None
    """What srun said of the end of its tasks, where that is more than an exit code."""


class Limits(Value):
    """What a job asked for and is ended by when it takes more."""

    memory_per_node_mib: int | None = None
    memory_per_cpu_mib: int | None = None
    walltime_s: int | None = None


class Staged(Value):
    """Where at the site a run lies whose folder the site does not see."""

    folder: Path
    """The run's folder at the site."""
    workdir: Path | None = None
    """The folder here whose files went along and come back; None where the site sees it."""
    stage_out: tuple[Line, ...] | None = None
    """Patterns of what comes back; None is all that is new or changed."""


class Run(Value):
    """One hpcrun submission, as `run.json` in its folder shows it."""

    version: Literal[1] = 1
    name: Line
    """Name of its folder: `<job name>-<token>`."""
    token: Line
    job: Line
    site: Line
    profile: Path
    """The site's profile, as seen from where it was submitted."""
    folder: Path
    created_at: Moment
    script_sha256: str
    """Of the script with its run still open, as in the plan."""
    submitter: Submitter
    staged: Staged | None = None
    limits: Limits = Limits.model_construct()

    @property
    def site_folder(self) -> Path:
        """The run's folder as the site sees it."""
        return self.folder if self.staged is None else self.staged.folder

    def output_of(self, job_id: str) -> Path:
        """Where Slurm writes the output of this job (`--output` in the script's header)."""
        return self.folder / "logs" / f"slurm-{job_id}.out"


class RunRecords(Value):
    """All that the folder of one run says about it."""

    run: Run
    submission: Submission | None = None
    start: StartRecord | None = None
    final: FinalRecord | None = None
    ended: JobReport | None = None
    """The scheduler's last word on the job, kept because it forgets."""

    @property
    def job_id(self) -> str | None:
        """The scheduler's number of the job, from whichever record knows it."""
        known = self.submission or self.start or self.final or self.ended
        return known.job_id if known else None


class RunStatus(Value):
    """What `status --json` prints, and one entry of `list --json`."""

    version: Literal[1] = 1
    run: str
    job: str
    site: str
    folder: Path
    output: Path | None
    created_at: datetime
    job_id: str | None
    state: JobState
    is_final: bool
    raw_state: str
    reason: str
    """Why it waits or ended, in plain words."""
    raw_reason: str
    """The scheduler's own word for that."""
    exit_code: int | None
    signal: int | None
    nodes: str
    elapsed_s: int | None
    started_at: datetime | None
    ended_at: datetime | None
    origin: Literal["squeue", "sacct", "scontrol", "record", "none"]
    """Who said so."""
    stage: Literal["start", "preflight", "application"] | None
    """How far the script came; before `application` the job's command had not started."""


class SubmitResult(Value):
    """What `submit --json` prints."""

    version: Literal[1] = 1
    run: str
    job_id: str
    site: str
    folder: Path
    output: Path
    script_sha256: str
    was_submitted_before: bool = False
    """An interrupted submission had reached the scheduler; nothing was submitted again."""
    messages: tuple[str, ...] = ()
    status: RunStatus | None = None
    """How the run ended, where that was waited for."""


class RunList(Value):
    """What `list --json` prints, newest first."""

    version: Literal[1] = 1
    runs: tuple[RunStatus, ...]
