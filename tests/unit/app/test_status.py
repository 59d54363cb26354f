"""What has become of a run, from three witnesses that each may be silent."""

from datetime import timedelta
from typing import Any

import pytest

from hpcrun.app.status import exit_code_of, read_status
from hpcrun.errors import UnavailableError, WriteError
from hpcrun.model.run import (
    FinalRecord,
    JobReport,
    JobState,
    Limits,
    RunRecords,
    RunStatus,
    StartRecord,
    Submission,
)
from tests.unit.app.fakes import NOON, FakeSite, make_run, make_site

RUN = make_run()
SUBMITTED = Submission(job_id="7", submitted_at=NOON)
STARTED = StartRecord(job_id="7", nodes="n[1-2]", started_at=NOON)


def final(**changes: Any) -> FinalRecord:
    values = {
        "job_id": "7",
        "stage": "application",
        "exit_code": 0,
        "started_at": NOON,
        "ended_at": NOON + timedelta(seconds=60),
        "ends_at": NOON + timedelta(seconds=600),
    }
    return FinalRecord(**{**values, **changes})


def report(state: JobState, **changes: Any) -> JobReport:
    values = {"token": RUN.token, **changes}
    return JobReport(job_id="7", state=state, raw_state=state.value, **values)


def status_of(site: FakeSite, **records: Any) -> RunStatus:
    site.store.records[RUN.folder] = RunRecords(run=RUN, **records)
    return read_status(site.store.records[RUN.folder], site.outside)


def test_status_scheduler_knows_the_job_and_its_word_counts() -> None:
    site = make_site()
    site.scheduler.reports = {"7": report(JobState.RUNNING, origin="squeue")}
    status = status_of(site, submission=SUBMITTED, start=STARTED)
    assert (status.state, status.origin, status.is_final) == (JobState.RUNNING, "squeue", False)


def test_status_running_job_whose_record_is_already_final_still_runs() -> None:
    site = make_site()
    site.scheduler.reports = {"7": report(JobState.COMPLETING)}
    status = status_of(site, submission=SUBMITTED, start=STARTED, final=final())
    assert (status.state, status.stage) == (JobState.COMPLETING, None)


RECORDED = {
    "well": (final(), JobState.COMPLETED),
    "failed": (final(exit_code=3), JobState.FAILED),
    "cancelled": (final(exit_code=143, signal=15), JobState.CANCELLED),
    "at-its-limit": (
        final(exit_code=143, signal=15, ended_at=NOON + timedelta(seconds=601)),
        JobState.TIMEOUT,
    ),
    "out-of-memory": (final(exit_code=137, cause="out-of-memory"), JobState.OUT_OF_MEMORY),
    "without-a-limit": (final(exit_code=143, signal=15, ends_at=None), JobState.CANCELLED),
}


@pytest.mark.parametrize("case", RECORDED)
def test_status_scheduler_forgot_the_job_and_its_own_record_counts(case: str) -> None:
    record, state = RECORDED[case]
    status = status_of(make_site(), submission=SUBMITTED, start=STARTED, final=record)
    assert (status.state, status.origin, status.is_final) == (state, "record", True)
    assert status.stage == "application"


@pytest.mark.parametrize(
    ("took_s", "state"),
    [(119, JobState.TIMEOUT), (121, JobState.TIMEOUT), (100, JobState.CANCELLED)],
)
def test_status_record_of_an_old_slurm_is_held_against_the_time_that_was_asked_for(
    took_s: int, state: JobState
) -> None:
    run = RUN.model_copy(update={"limits": Limits(walltime_s=90)})
    ended = final(exit_code=143, signal=15, ends_at=None, ended_at=NOON + timedelta(seconds=took_s))
    records = RunRecords(run=run, submission=SUBMITTED, start=STARTED, final=ended)
    site = make_site()
    site.store.records[run.folder] = records
    assert read_status(records, site.outside).state is state


@pytest.mark.parametrize("start", [STARTED, None], ids=["started", "never-started"])
def test_status_forgotten_and_without_final_record_is_lost(start: StartRecord | None) -> None:
    status = status_of(make_site(), submission=SUBMITTED, start=start)
    assert (status.state, status.is_final) == (JobState.LOST, True)


def test_status_job_that_ends_while_it_is_asked_for_is_not_lost() -> None:
    site = make_site()
    before = RunRecords(run=RUN, submission=SUBMITTED, start=STARTED)
    site.store.records[RUN.folder] = before.model_copy(update={"final": final()})
    assert read_status(before, site.outside).state is JobState.COMPLETED


def test_status_job_that_ends_while_it_is_asked_for_tells_its_stage() -> None:
    site = make_site()
    site.scheduler.reports = {"7": report(JobState.FAILED, exit_code=66, origin="scontrol")}
    before = RunRecords(run=RUN, submission=SUBMITTED, start=STARTED)
    after = before.model_copy(update={"final": final(exit_code=66, stage="preflight")})
    site.store.records[RUN.folder] = after
    assert read_status(before, site.outside).stage == "preflight"


SAME = {"job_name": "hello", "submitted_at": NOON + timedelta(seconds=3)}


@pytest.mark.parametrize(
    ("mark", "is_ours"),
    [
        ({"token": "abc"}, True),
        ({"token": "other"}, False),
        ({"token": "other", **SAME}, False),
        ({"token": None, **SAME}, True),
        ({"token": None, **SAME, "job_name": "somebody's"}, False),
        ({"token": None, **SAME, "submitted_at": NOON + timedelta(days=1)}, False),
        ({"token": None, "job_name": "hello"}, False),
        ({"token": None}, False),
    ],
)
def test_status_of_a_job_with_the_same_number_counts_only_if_it_is_this_one(
    mark: dict[str, Any], *, is_ours: bool
) -> None:
    site = make_site()
    site.scheduler.reports = {"7": report(JobState.RUNNING, **mark)}
    status = status_of(site, submission=SUBMITTED)
    assert status.state is (JobState.RUNNING if is_ours else JobState.LOST)


def test_status_final_word_of_the_scheduler_is_kept() -> None:
    site = make_site()
    site.scheduler.reports = {"7": report(JobState.TIMEOUT, signal=15, origin="scontrol")}
    status_of(site, submission=SUBMITTED)
    site.scheduler.reports = {}
    status = read_status(site.store.records[RUN.folder], site.outside)
    assert (status.state, status.signal) == (JobState.TIMEOUT, 15)


def test_status_end_of_which_more_may_become_known_is_not_kept_yet() -> None:
    site = make_site()
    site.scheduler.reports = {"7": report(JobState.CANCELLED, origin="squeue")}
    status_of(site, submission=SUBMITTED)
    site.scheduler.reports = {
        "7": report(JobState.CANCELLED, origin="scontrol", cancelled_by="root")
    }
    status = read_status(site.store.records[RUN.folder], site.outside)
    assert (status.reason, site.store.records[RUN.folder].ended is None) == ("by root", False)


def test_status_scheduler_is_down_and_the_record_is_final_needs_no_scheduler() -> None:
    site = make_site()
    site.scheduler.is_down = True
    status = status_of(site, submission=SUBMITTED, start=STARTED, final=final())
    assert status.state is JobState.COMPLETED


def test_status_scheduler_is_down_and_nothing_is_final_raises() -> None:
    site = make_site()
    site.scheduler.is_down = True
    with pytest.raises(UnavailableError):
        status_of(site, submission=SUBMITTED, start=STARTED)


def test_status_unrecorded_submission_is_found_by_token_and_recorded() -> None:
    site = make_site()
    site.scheduler.tokens = {"abc": "7"}
    site.scheduler.reports = {"7": report(JobState.PENDING)}
    assert status_of(site).job_id == "7"
    kept = site.store.records[RUN.folder].submission
    assert kept is not None
    assert kept.job_id == "7"


def test_status_of_a_run_whose_folder_cannot_be_written_is_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise WriteError("read-only")

    site = make_site()
    monkeypatch.setattr(site.store, "write_ended", refuse)
    monkeypatch.setattr(site.store, "write_submission", refuse)
    site.scheduler.tokens = {"abc": "7"}
    site.scheduler.reports = {"7": report(JobState.FAILED, origin="scontrol")}
    assert status_of(site).state is JobState.FAILED


def test_status_nowhere_to_be_found_was_not_submitted() -> None:
    status = status_of(make_site())
    assert (status.state, status.job_id, status.output) == (JobState.NOT_SUBMITTED, None, None)


def test_status_of_a_job_whose_start_record_alone_is_left_knows_its_id() -> None:
    assert status_of(make_site(), start=STARTED).job_id == "7"


@pytest.mark.parametrize(
    ("state", "changes", "code"),
    [
        (JobState.COMPLETED, {"exit_code": 0}, 0),
        (JobState.FAILED, {"exit_code": 3}, 3),
        (JobState.FAILED, {"exit_code": 139}, 139),
        (JobState.FAILED, {"exit_code": 0, "signal": 9}, 137),
        (JobState.CANCELLED, {"exit_code": 0, "signal": 15}, 143),
        (JobState.CANCELLED, {}, 143),
        (JobState.TIMEOUT, {"exit_code": 0}, 143),
        (JobState.OUT_OF_MEMORY, {"exit_code": 0}, 137),
        (JobState.NODE_FAIL, {}, 137),
        (JobState.LOST, {}, 137),
    ],
)
def test_exit_code(state: JobState, changes: dict[str, int], code: int) -> None:
    site = make_site()
    site.scheduler.reports = {"7": report(state, **changes)}
    assert exit_code_of(status_of(site, submission=SUBMITTED)) == code


@pytest.mark.parametrize(
    "forged", [report(JobState.RUNNING), JobReport(job_id="8", state=JobState.COMPLETED)]
)
def test_status_last_word_that_slurm_cannot_have_said_does_not_count(forged: JobReport) -> None:
    site = make_site()
    site.scheduler.reports = {"7": report(JobState.PENDING, origin="squeue")}
    status = status_of(site, submission=SUBMITTED, ended=forged)
    assert (status.state, status.origin) == (JobState.PENDING, "squeue")
