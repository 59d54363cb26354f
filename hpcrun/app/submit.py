"""Use case: hand a planned job to the scheduler, once; does not plan or print.

Order: the run's folder, then sbatch, then the record of its answer. Slurm carries the run's token
as the job's comment, and the script claims the run before its first step; so whoever kills hpcrun
in between can submit again without running the job twice.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from hpcrun.app.check_paths import JobFile, check_paths
from hpcrun.errors import (
    MissingInputError,
    RefusedError,
    UnavailableError,
    UsageError,
    WriteError,
)
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts
from hpcrun.model.plan import Plan
from hpcrun.model.run import SCRIPT_NAME, Run, RunRecords, Submission, SubmitRequest, SubmitResult
from hpcrun.model.site import Site
from hpcrun.model.staging import Transfer
from hpcrun.planner.relocate import relocate
from hpcrun.ports import Clock, RunStore, Scheduler, SiteFiles, Staging
from hpcrun.render import RunPlace, render_script, script_sha256

RETRY_WINDOW = timedelta(minutes=10)
"""How long the same submission is taken for another try of an interrupted one."""
LOOK_AGAIN_AFTER_S = (0.0, 1.0, 3.0)


class Outside(NamedTuple):
    """The ports that reach one site."""

    store: RunStore
    scheduler: Scheduler
    clock: Clock
    files: SiteFiles
    staging: Staging | None = None
    """None where the site sees the files that hpcrun sees."""


class Planned(NamedTuple):
    """A plan with what it was made from."""

    plan: Plan
    job_text: str
    """The job file as it was read: later it may be another one, or a link to any file."""
    site: Site
    passports: Mapping[str, ImageFacts]
    """By OCI names of processors."""
    written: JobFile | None = None
    """The job with its places, for what is found at the site."""


def submit_run(planned: Planned, *, runs: Path, outside: Outside) -> SubmitResult:
    """Submit a plan that is not refused, as a run in the folder `runs`."""
    plan = planned.plan
    if plan.is_refused:
        raise RefusedError(f"the plan of `{plan.job}` is refused", diagnostics=plan.diagnostics)
    check_image(plan)
    transfer = _prepare(planned, runs, outside)
    if transfer.runs_at_site is None:
        check_runs(runs, planned.site)
    plan = relocate(plan, transfer)
    _check_paths(planned._replace(plan=plan), transfer, outside)
    plan = plan.model_copy(update={"script_sha256": script_sha256(plan)})
    interrupted = _find_interrupted(plan, runs, outside)
    if interrupted is not None:
        return _go_on(interrupted, transfer, outside)
    run = outside.store.new_run(plan, profile=planned.site.file, runs=runs)
    stage_out = planned.written.job.stage_out if planned.written else None
    run = run.model_copy(update={"staged": transfer.staged_for(run, stage_out)})
    outside.store.write_run(run, _files(planned._replace(plan=plan), run))
    return _result(run, _hand_over(run, transfer, outside))


def _prepare(planned: Planned, runs: Path, outside: Outside) -> Transfer:
    if outside.staging is None:
        return Transfer()
    stage_in = planned.written.job.stage_in if planned.written else None
    return outside.staging.prepare(planned.plan, runs=runs, stage_in=stage_in)


def check_image(plan: Plan) -> None:
    """Raise where the image is no longer the one that was planned for."""
    image = plan.image
    try:
        found = image.path.stat()
    except FileNotFoundError as exc:
        raise MissingInputError(f"the image {image.path} is gone since it was planned for") from exc
    if image.kind != "folder" and (found.st_size, found.st_mtime_ns) != (
        image.size_bytes,
        image.mtime_ns,
    ):
        raise MissingInputError(
            f"the image {image.path} has changed since it was planned for",
            help=("wait until the image is whole, then submit again",),
        )


def check_runs(runs: Path, site: Site) -> None:
    """Raise where the nodes do not see the folder of runs, in which the job leaves its records."""
    shared = site.filesystems.shared
    if not is_known(shared) or any(runs.is_relative_to(folder) for folder in shared):
        return
    folders = ", ".join(f"`{folder}`" for folder in shared) or "none"
    raise UsageError(
        f"the nodes do not see the folder of runs `{runs}`",
        help=(f"choose one with `--runs DIR`; folders that they see: {folders}",),
    )


def _check_paths(planned: Planned, transfer: Transfer, outside: Outside) -> None:
    sent = () if transfer.image is None else (transfer.image.at_site,)
    check_paths(
        planned.plan,
        planned.site,
        outside.files,
        sent=sent,
        written=planned.written,
    )


def _find_interrupted(plan: Plan, runs: Path, outside: Outside) -> RunRecords | None:
    """Return the run of the same script whose submission died a moment ago, if there is one."""
    since = outside.clock.now() - RETRY_WINDOW
    for records in outside.store.read_runs(runs):
        run = records.run
        if run.created_at < since:
            return None
        is_same = run.script_sha256 == plan.script_sha256 and run.site == plan.site
        if is_same and records.submission is None and not outside.store.is_under_way(run):
            return records
    return None


def _go_on(records: RunRecords, transfer: Transfer, outside: Outside) -> SubmitResult:
    """Finish an interrupted submission: record a job that Slurm has, or hand the same run over."""
    run = records.run
    job_id = records.job_id or outside.scheduler.find_by_token(run.token)
    if job_id is None:
        return _result(run, _hand_over(run, transfer, outside))
    submission = _record(run, _accepted(job_id, outside), outside)
    return _result(run, submission, was_before=True)


def _files(planned: Planned, run: Run) -> dict[str, str]:
    plan = planned.plan
    place = RunPlace(folder=run.site_folder, name=run.name, token=run.token)
    facts = planned.passports.get(plan.image.arch)
    files = {
        "job.yaml": planned.job_text,
        "plan.json": plan.model_dump_json(indent=2) + "\n",
        SCRIPT_NAME: render_script(plan, place=place),
    }
    if facts is not None:
        files["passport.json"] = facts.model_dump_json(indent=2) + "\n"
    return files


def _hand_over(run: Run, transfer: Transfer, outside: Outside) -> Submission:
    if outside.staging is not None:
        outside.staging.send(run, transfer)
    request = SubmitRequest(
        script=outside.store.read_script(run.folder),
        run_name=run.name,
        token=run.token,
        folder=run.folder,
    )
    try:
        submission = outside.scheduler.submit(request)
    except RefusedError:
        outside.store.remove_run(run)
        raise
    except UnavailableError as exc:
        submission = _look_for(run, exc, outside)
    return _record(run, submission, outside)


def _look_for(run: Run, cause: UnavailableError, outside: Outside) -> Submission:
    """Find out whether Slurm took the job although sbatch could not say so."""
    try:
        for seconds in LOOK_AGAIN_AFTER_S:
            outside.clock.sleep(seconds)
            job_id = outside.scheduler.find_by_token(run.token)
            if job_id is not None:
                return _accepted(job_id, outside)
    except UnavailableError:
        raise UnavailableError(
            f"cannot tell whether Slurm took the job: {cause.message}",
            help=(*cause.help, f"`hpcrun status {run.folder}` tells once Slurm answers again"),
        ) from cause
    raise UnavailableError(
        f"Slurm did not take the job: {cause.message}",
        help=("submit again later; the same run goes on, and cannot run twice",),
    ) from cause


def _accepted(job_id: str, outside: Outside) -> Submission:
    return Submission(job_id=job_id, submitted_at=outside.clock.now())


def _record(run: Run, submission: Submission, outside: Outside) -> Submission:
    try:
        return outside.store.write_submission(run.folder, submission)
    except WriteError as exc:
        raise WriteError(
            f"Slurm took job {submission.job_id}, but that cannot be recorded: {exc.message}",
            help=(f"`hpcrun status {run.folder}` finds it by its token", *exc.help),
        ) from exc


def _result(run: Run, submission: Submission, *, was_before: bool = False) -> SubmitResult:
    return SubmitResult(
        run=run.name,
        job_id=submission.job_id,
        site=run.site,
        folder=run.folder,
        output=run.output_of(submission.job_id),
        script_sha256=run.script_sha256,
        was_submitted_before=was_before,
        messages=submission.messages,
    )
