"""Use case: what has become of a run; does not wait, cancel or print.

Three know something: Slurm, until it forgets; the job's own records; and Slurm's last word, which
is kept in the run's folder once it is final.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from hpcrun.app.reasons import reason_of
from hpcrun.app.submit import Outside
from hpcrun.errors import UnavailableError, WriteError
from hpcrun.model.run import (
    FinalRecord,
    JobReport,
    JobState,
    Limits,
    Run,
    RunRecords,
    RunStatus,
    Submission,
)

_TERM, _KILL = 15, 9
_CLOCKS_DIFFER = timedelta(hours=1)
_SCRIPT_LAG = timedelta(seconds=5)


def read_status(records: RunRecords, outside: Outside) -> RunStatus:
    """Find out what has become of one run."""
    return read_statuses([records], outside)[0]


def read_statuses(records: Sequence[RunRecords], outside: Outside) -> tuple[RunStatus, ...]:
    """Find out what has become of runs at one site, with one question to Slurm."""
    found = [_believed(_with_submission(record, outside)) for record in records]
    open_ids = [r.job_id for r in found if r.job_id is not None and r.ended is None]
    try:
        reports = outside.scheduler.read_reports(open_ids)
    except UnavailableError:
        if any(r.job_id and not r.ended and not r.final for r in found):
            raise
        reports = {}
    return tuple(_settle(record, reports, outside) for record in found)


def exit_code_of(status: RunStatus) -> int:
    """Return what `--wait` ends with: the job's own code, or 128 + signal as a shell does."""
    if status.state is JobState.COMPLETED:
        return 0
    if status.signal:
        return 128 + status.signal
    if status.exit_code:
        return status.exit_code
    # The scheduler ended it: it asks politely, unless memory or node are gone.
    gone = (JobState.OUT_OF_MEMORY, JobState.NODE_FAIL, JobState.LOST)
    return 128 + (_KILL if status.state in gone else _TERM)


def _with_submission(records: RunRecords, outside: Outside) -> RunRecords:
    """Look a run up by its token where hpcrun died before it could record the job's id."""
    if records.job_id is not None or outside.store.is_under_way(records.run):
        return records
    job_id = outside.scheduler.find_by_token(records.run.token)
    if job_id is None:
        return records
    submission = Submission(job_id=job_id, submitted_at=outside.clock.now())
    # Whoever may look at a run but not write to its folder still learns its state.
    with suppress(WriteError):
        submission = outside.store.write_submission(records.run.folder, submission)
    return records.model_copy(update={"submission": submission})


def _believed(records: RunRecords) -> RunRecords:
    """Leave out a last word that Slurm cannot have said; the job can write to the folder too."""
    ended = records.ended
    if ended is None or (ended.is_final and ended.job_id == records.job_id):
        return records
    return records.model_copy(update={"ended": None})


def _settle(records: RunRecords, reports: Mapping[str, JobReport], outside: Outside) -> RunStatus:
    job_id = records.job_id
    if job_id is None:
        is_under_way = outside.store.is_under_way(records.run)
        reason = "its submission is under way" if is_under_way else ""
        return _status(records, JobReport(job_id="", state=JobState.NOT_SUBMITTED, reason=reason))
    if records.ended is not None:
        return _status(records, records.ended)
    report = reports.get(job_id)
    if report is not None and not _is_of(report, records):
        report = None
    if records.final is None and (report is None or report.is_final):
        # It may have ended between the reading of its records and Slurm's answer.
        records = outside.store.read_run(records.run.folder)
    report = report or _from_record(records.final, job_id, records.run.limits)
    if report.is_final and report.origin in ("scontrol", "sacct"):
        with suppress(WriteError):
            outside.store.write_ended(records.run.folder, report)
    return _status(records, report)


def _is_of(report: JobReport, records: RunRecords) -> bool:
    """Whether a report is about this run: a cluster that was set up anew counts from 1 again.

    Where nobody tells the job's comment, a job of the same name must be as old as the run.
    """
    run = records.run
    if report.token is not None:
        return report.token == run.token
    if report.job_name != run.job or report.submitted_at is None:
        return False
    submission = records.submission
    then = submission.submitted_at if submission else run.created_at
    return abs(report.submitted_at - then) < _CLOCKS_DIFFER


def _from_record(final: FinalRecord | None, job_id: str, limits: Limits) -> JobReport:
    if final is None:
        return JobReport(job_id=job_id, state=JobState.LOST)
    return JobReport(
        job_id=final.job_id,
        state=_recorded_state(final, limits),
        exit_code=final.exit_code,
        signal=final.signal,
        elapsed_s=int((final.ended_at - final.started_at).total_seconds()),
        started_at=final.started_at,
        ended_at=final.ended_at,
        origin="record",
    )


def _recorded_state(final: FinalRecord, limits: Limits) -> JobState:
    if final.cause == "out-of-memory":
        return JobState.OUT_OF_MEMORY
    if final.signal is None:
        return JobState.COMPLETED if final.exit_code == 0 else JobState.FAILED
    ends_at = final.ends_at or _would_end(final, limits)
    if ends_at is not None and final.ended_at >= ends_at:
        return JobState.TIMEOUT
    return JobState.CANCELLED


def _would_end(final: FinalRecord, limits: Limits) -> datetime | None:
    """Return when the time is over that was asked for, as Slurm 22.05 and older tell no job.

    Slurm counts whole minutes, and from when the job began, a moment before its script did.
    """
    if limits.walltime_s is None:
        return None
    return final.started_at + timedelta(minutes=-(-limits.walltime_s // 60)) - _SCRIPT_LAG


def _status(records: RunRecords, report: JobReport) -> RunStatus:
    run: Run = records.run
    final, job_id = records.final, records.job_id
    return RunStatus(
        run=run.name,
        job=run.job,
        site=run.site,
        folder=run.folder,
        output=None if job_id is None else run.output_of(job_id),
        created_at=run.created_at,
        job_id=job_id,
        state=report.state,
        is_final=report.is_final,
        raw_state=report.raw_state,
        reason=reason_of(report, run.limits),
        raw_reason=report.reason,
        exit_code=report.exit_code,
        signal=report.signal,
        nodes=report.nodes or (records.start.nodes if records.start else ""),
        elapsed_s=report.elapsed_s,
        started_at=report.started_at or (records.start.started_at if records.start else None),
        ended_at=report.ended_at,
        origin=report.origin,
        stage=final.stage if final is not None and report.is_final else None,
    )
