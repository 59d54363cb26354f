"""The wait asks less and less often, outlives a silent scheduler, and ends with the job."""

import pytest

from hpcrun.app.cancel import cancel_run
from hpcrun.app.list_runs import find_run, list_runs
from hpcrun.app.logs import read_logs
from hpcrun.app.wait import LONGEST_PAUSE_S, PATIENCE_S, wait_for_run
from hpcrun.errors import MissingInputError, UnavailableError, UsageError, WaitTimeoutError
from hpcrun.model.run import JobReport, JobState, RunRecords, RunStatus, Submission
from tests.unit.app.fakes import NOON, FakeSite, make_run, make_site

RUN = make_run()
RECORDS = RunRecords(run=RUN, submission=Submission(job_id="7", submitted_at=NOON))


def report(state: JobState) -> dict[str, JobReport]:
    return {
        "7": JobReport(
            job_id="7", state=state, raw_state=state.value, origin="scontrol", token="abc"
        )
    }


@pytest.fixture
def site() -> FakeSite:
    made = make_site()
    made.store.records[RUN.folder] = RECORDS
    return made


def test_wait_sees_each_state_and_ends_with_the_last(site: FakeSite) -> None:
    states = [JobState.PENDING, JobState.RUNNING, JobState.RUNNING, JobState.COMPLETED]
    site.scheduler.story = [report(state) for state in states]
    seen: list[JobState] = []

    def note(status: RunStatus) -> None:
        seen.append(status.state)

    assert wait_for_run(RECORDS, site.outside, on_status=note).state is JobState.COMPLETED
    assert seen == states


def test_wait_of_an_hour_asks_about_every_five_seconds(site: FakeSite) -> None:
    site.scheduler.reports = report(JobState.RUNNING)
    asked: list[RunStatus] = []
    with pytest.raises(WaitTimeoutError, match="has not ended after 3600 seconds"):
        wait_for_run(RECORDS, site.outside, timeout_s=3600, on_status=asked.append)
    assert len(asked) == pytest.approx(3600 / LONGEST_PAUSE_S, rel=0.05)
    assert site.clock.passed_s == pytest.approx(3600)


def test_wait_outlives_a_scheduler_that_is_silent_for_a_while(site: FakeSite) -> None:
    site.scheduler.is_down = True
    silences: list[UnavailableError] = []

    def come_back(error: UnavailableError) -> None:
        silences.append(error)
        site.scheduler.is_down = site.clock.passed_s < 60
        site.scheduler.reports = report(JobState.FAILED)

    status = wait_for_run(RECORDS, site.outside, on_silence=come_back)
    assert status.state is JobState.FAILED
    assert silences


def test_wait_gives_a_scheduler_up_that_stays_silent(site: FakeSite) -> None:
    site.scheduler.is_down = True
    with pytest.raises(UnavailableError):
        wait_for_run(RECORDS, site.outside)
    assert site.clock.passed_s >= PATIENCE_S


def test_cancel_running_job_is_cancelled_and_its_end_kept(site: FakeSite) -> None:
    site.scheduler.story = [report(JobState.RUNNING), report(JobState.CANCELLED)]
    assert cancel_run(RECORDS, site.outside).state is JobState.CANCELLED
    assert site.scheduler.cancelled == ["7"]
    assert site.store.records[RUN.folder].ended is not None


def test_cancel_ended_job_stays_as_it_is(site: FakeSite) -> None:
    site.scheduler.reports = report(JobState.COMPLETED)
    assert cancel_run(RECORDS, site.outside).state is JobState.COMPLETED
    assert site.scheduler.cancelled == []


def test_logs_follow_gives_what_is_added_until_the_end(site: FakeSite) -> None:
    output = RUN.output_of("7")
    site.store.outputs[output] = b"one\n"
    site.scheduler.story = [report(JobState.RUNNING), report(JobState.COMPLETED)]
    pieces = []
    for piece in read_logs(RECORDS, site.outside, follow=True):
        pieces.append(piece)
        site.store.outputs[output] = b"one\ntwo\n"
    assert pieces == [b"one\n", b"two\n"]


def test_logs_of_an_old_run_need_no_scheduler(site: FakeSite) -> None:
    site.scheduler.is_down = True
    site.store.outputs[RUN.output_of("7")] = b"old\n"
    assert list(read_logs(RECORDS, site.outside)) == [b"old\n"]


def test_logs_of_a_run_without_job_are_refused(site: FakeSite) -> None:
    with pytest.raises(MissingInputError, match="never submitted"):
        list(read_logs(RunRecords(run=RUN), site.outside))


@pytest.mark.parametrize("name", [None, "hello-abc", "hello-a", "7", str(RUN.folder)])
def test_find_run_as_people_name_it(site: FakeSite, name: str | None) -> None:
    assert find_run(name, runs=RUN.folder.parent, store=site.store) == RECORDS


def test_find_run_unclear_beginning_is_refused(site: FakeSite) -> None:
    other = make_run(name="hello-abd", token="abd", folder=RUN.folder.parent / "hello-abd")
    site.store.records[other.folder] = RunRecords(run=other)
    with pytest.raises(UsageError, match="beginning of 2 runs"):
        find_run("hello", runs=RUN.folder.parent, store=site.store)


def test_find_run_unknown_is_missing(site: FakeSite) -> None:
    with pytest.raises(MissingInputError, match="no run `bye`"):
        find_run("bye", runs=RUN.folder.parent, store=site.store)


def test_list_runs_keeps_their_order(site: FakeSite) -> None:
    site.scheduler.reports = report(JobState.RUNNING)
    other = make_run(name="z", token="z", site="other", folder=RUN.folder.parent / "z")
    records = [RunRecords(run=other), RECORDS]
    found = list_runs(records, lambda _run: site.outside)
    assert [(s.run, s.state) for s in found.runs] == [
        ("z", JobState.NOT_SUBMITTED),
        ("hello-abc", JobState.RUNNING),
    ]
