"""The ports of one site in memory: store, scheduler, clock; for tests of the use cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hpcrun.app.submit import Outside
from hpcrun.errors import HpcrunError, MissingInputError, UnavailableError
from hpcrun.model.plan import Plan
from hpcrun.model.run import (
    JobReport,
    Run,
    RunRecords,
    Submission,
    SubmitRequest,
    Submitter,
)
from hpcrun.model.staging import FetchResult, Transfer

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class FakeClock:
    """Time that passes only in sleep."""

    passed_s: float = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s

    def sleep(self, seconds: float) -> None:
        self.passed_s += seconds


@dataclass
class FakeStore:
    """Runs in memory."""

    clock: FakeClock
    records: dict[Path, RunRecords] = field(default_factory=dict)
    files: dict[Path, Mapping[str, str]] = field(default_factory=dict)
    alive: set[str] = field(default_factory=set)
    outputs: dict[Path, bytes] = field(default_factory=dict)

    def new_run(self, plan: Plan, *, profile: Path, runs: Path) -> Run:
        token = f"t{len(self.records)}"
        return make_run(
            name=f"{plan.job}-{token}",
            token=token,
            job=plan.job,
            site=plan.site,
            profile=profile,
            folder=runs / f"{plan.job}-{token}",
            created_at=self.clock.now(),
            script_sha256=plan.script_sha256 or "",
        )

    def is_under_way(self, run: Run) -> bool:
        return run.token in self.alive

    def write_run(self, run: Run, files: Mapping[str, str]) -> None:
        self.records[run.folder] = RunRecords(run=run)
        self.files[run.folder] = files

    def remove_run(self, run: Run) -> None:
        del self.records[run.folder]

    def write_submission(self, folder: Path, submission: Submission) -> Submission:
        first = self.records[folder].submission or submission
        self.records[folder] = self.records[folder].model_copy(update={"submission": first})
        return first

    def write_ended(self, folder: Path, report: JobReport) -> None:
        first = self.records[folder].ended or report
        self.records[folder] = self.records[folder].model_copy(update={"ended": first})

    def read_run(self, folder: Path) -> RunRecords:
        if folder not in self.records:
            raise MissingInputError(f"there is no run in {folder}")
        return self.records[folder]

    def read_script(self, folder: Path) -> str:
        return self.files[folder]["job.sh"]

    def read_runs(self, runs: Path) -> tuple[RunRecords, ...]:
        found = [r for folder, r in self.records.items() if folder.parent == runs]
        return tuple(sorted(found, key=lambda r: r.run.created_at, reverse=True))

    def read_output(self, path: Path, *, offset: int) -> bytes:
        return self.outputs.get(path, b"")[offset:]


@dataclass
class FakeScheduler:
    """A scheduler that does as it is told; each entry of `errors` is raised once, in order."""

    clock: FakeClock
    requests: list[SubmitRequest] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    reports: dict[str, JobReport] = field(default_factory=dict)
    story: list[dict[str, JobReport]] = field(default_factory=list)
    submit_errors: list[HpcrunError] = field(default_factory=list)
    takes_although: bool = False
    is_down: bool = False
    cancelled: list[str] = field(default_factory=list)

    def submit(self, request: SubmitRequest) -> Submission:
        self.requests.append(request)
        error = self.submit_errors.pop(0) if self.submit_errors else None
        if error is None or self.takes_although:
            self.tokens[request.token] = str(len(self.tokens) + 1)
        if error is not None:
            raise error
        return Submission(job_id=self.tokens[request.token], submitted_at=self.clock.now())

    def find_by_token(self, token: str) -> str | None:
        self._answer()
        return self.tokens.get(token)

    def read_reports(self, job_ids: Sequence[str]) -> Mapping[str, JobReport]:
        self._answer()
        if self.story:
            self.reports = self.story.pop(0)
        return {i: self.reports[i] for i in job_ids if i in self.reports}

    def cancel(self, job_id: str) -> None:
        self._answer()
        self.cancelled.append(job_id)

    def _answer(self) -> None:
        if self.is_down:
            raise UnavailableError("cannot ask Slurm")


@dataclass
class FakeFiles:
    """A site that has all files but some."""

    missing: set[Path] = field(default_factory=set)
    asked: list[tuple[Path, ...]] = field(default_factory=list)

    def find_missing(self, paths: Sequence[Path]) -> tuple[Path, ...]:
        self.asked.append(tuple(paths))
        return tuple(path for path in paths if path in self.missing)


@dataclass
class FakeStaging:
    """A site that sees no file of this side; each entry of `errors` is raised once, in order."""

    transfer: Transfer
    sent: list[Run] = field(default_factory=list)
    errors: list[HpcrunError] = field(default_factory=list)

    def prepare(self, plan: Plan, *, runs: Path, stage_in: Sequence[str] | None) -> Transfer:
        return self.transfer

    def send(self, run: Run, transfer: Transfer) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(run)

    def fetch(self, run: Run) -> FetchResult:
        raise NotImplementedError


@dataclass
class FakeSite:
    """All ports of one site."""

    clock: FakeClock
    store: FakeStore
    scheduler: FakeScheduler
    files: FakeFiles = field(default_factory=FakeFiles)
    staging: FakeStaging | None = None

    @property
    def outside(self) -> Outside:
        return Outside(
            store=self.store,
            scheduler=self.scheduler,
            clock=self.clock,
            files=self.files,
            staging=self.staging,
        )


def make_site() -> FakeSite:
    """Return a site without runs or jobs."""
    clock = FakeClock()
    return FakeSite(clock, FakeStore(clock), FakeScheduler(clock))


def make_run(**changes: object) -> Run:
    """Return a run with some values changed."""
    values = {
        "name": "hello-abc",
        "token": "abc",
        "job": "hello",
        "site": "fjord",
        "profile": Path("/etc/fjord.yaml"),
        "folder": Path("/w/.hpcrun/runs/hello-abc"),
        "created_at": NOON,
        "script_sha256": "0" * 64,
        "submitter": Submitter(host="login", pid=1, started="2"),
    }
    return Run.model_validate({**values, **changes})
