"""Runs and their states as values; does not touch the run folder."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from hpcrun.model.base import Value


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

    job_id: str
    state: JobState
    raw_state: str = ""
    """The scheduler's own word."""
    reason: str = ""
    """Why it waits or ended (squeue's REASON)."""
    exit_code: int | None = None
    signal: int | None = None
    nodes: str = ""
    elapsed_s: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    origin: Literal["squeue", "sacct", "scontrol", "record", "none"] = "none"

    @property
    def is_final(self) -> bool:
        """Whether the state can no longer change."""
        return self.state in FINAL_STATES


class Run(Value):
    """One hpcrun submission, as its folder shows it."""

    version: Literal[1] = 1
    name: str
    """Name of its folder: `<job name>-<token>`."""
    token: str
    job: str
    site: str
    folder: Path
    created_at: datetime
    job_id: str | None = None
