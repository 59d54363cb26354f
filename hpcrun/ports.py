"""The Protocols of the outside; does not implement any of them.

Adapters: `hpcrun.scheduler` (Scheduler), `hpcrun.store` (CommandRunner, RunStore, Clock).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from hpcrun.errors import UnavailableError
from hpcrun.model.plan import Plan
from hpcrun.model.run import JobReport, Run, RunRecords, Submission, SubmitRequest
from hpcrun.model.staging import FetchResult, Transfer


class CommandTimeoutError(UnavailableError):
    """A command did not answer in time; what it was asked to do may have happened."""


class CommandMissingError(UnavailableError):
    """A command is not there."""


class CommandResult(NamedTuple):
    """How a command ended and what it said."""

    exit_code: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.stdout.decode("utf-8", "replace")


class CommandRunner(Protocol):
    """Runs commands at the site: here, or through the site's command prefix."""

    @property
    def is_local(self) -> bool:
        """Whether commands run right here."""
        ...

    def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 30
    ) -> CommandResult:
        """Run a command to its end.

        Raises CommandMissingError, CommandTimeoutError, or UnavailableError where the site itself
        is out of reach; any other end of the command is a result.
        """
        ...


class Scheduler(Protocol):
    """The scheduler of a site."""

    def submit(self, request: SubmitRequest) -> Submission:
        """Submit a job.

        Raises RefusedError with the scheduler's words where it refuses the job, and
        UnavailableError where it cannot be reached; the job may then still have been accepted.
        """
        ...

    def find_by_token(self, token: str) -> str | None:
        """Return the id of the job that carries this token, if the scheduler knows one."""
        ...

    def read_reports(self, job_ids: Sequence[str]) -> Mapping[str, JobReport]:
        """Return what the scheduler knows about these jobs; it forgets ended ones after a while."""
        ...

    def cancel(self, job_id: str) -> None:
        """Cancel a job; one that has ended already is left as it is."""
        ...


class RunStore(Protocol):
    """The folders of runs."""

    def new_run(self, plan: Plan, *, profile: Path, runs: Path) -> Run:
        """Give a run its name, token and place; nothing is written."""
        ...

    def is_under_way(self, run: Run) -> bool:
        """Whether the process that began to submit this run may still be at work."""
        ...

    def write_run(self, run: Run, files: Mapping[str, str]) -> None:
        """Create the folder of a run with these files, all of it or nothing."""
        ...

    def remove_run(self, run: Run) -> None:
        """Remove the folder of a run that the scheduler refused."""
        ...

    def write_submission(self, folder: Path, submission: Submission) -> Submission:
        """Record that the scheduler accepted the job; the first record stays and is returned."""
        ...

    def write_ended(self, folder: Path, report: JobReport) -> None:
        """Keep the scheduler's last word on a job; the first one stays."""
        ...

    def read_run(self, folder: Path) -> RunRecords:
        """Read all records of one run."""
        ...

    def read_script(self, folder: Path) -> str:
        """Read the script of one run."""
        ...

    def read_runs(self, runs: Path) -> tuple[RunRecords, ...]:
        """Read the records of all runs in a folder, newest first."""
        ...

    def read_output(self, path: Path, *, offset: int) -> bytes:
        """Read a piece of the output of a job from an offset on; nothing where there is no more."""
        ...


class SiteFiles(Protocol):
    """Files at the site."""

    def find_missing(self, paths: Sequence[Path]) -> tuple[Path, ...]:
        """Return which of these paths are not there, by one question."""
        ...


class Staging(Protocol):
    """Copies what a job needs to a site that does not see it, and what came of it back."""

    def prepare(self, plan: Plan, *, runs: Path, stage_in: Sequence[str] | None) -> Transfer:
        """Look at both sides and say what has to be copied; nothing is.

        Raises RefusedError where that is too much, or cannot be.
        """
        ...

    def send(self, run: Run, transfer: Transfer) -> None:
        """Copy it, all or nothing; what is there already from an earlier try is left."""
        ...

    def fetch(self, run: Run) -> FetchResult:
        """Bring back what the job has changed or created; never over what changed here."""
        ...


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...
