"""What Slurm's commands print, read back; texts captured from Slurm 24.11.5."""

from datetime import UTC, datetime

import pytest

from hpcrun.model.run import JobReport, JobState
from hpcrun.scheduler import parse_slurm


@pytest.mark.parametrize(
    ("stdout", "job_id"),
    [
        ("12\n", "12"),
        ("12;box\n", "12"),
        ("a line of the site's plugin\n12\n", "12"),
        ("Submitted batch job 12\n", None),
        ("", None),
        ("12.0\n", None),
    ],
)
def test_parse_job_id(stdout: str, job_id: str | None) -> None:
    assert parse_slurm.parse_job_id(stdout) == job_id


def test_parse_squeue_running_job_has_no_times_of_its_own() -> None:
    stdout = "7|RUNNING|1:02|1763599999|1763600000|1763603600|n[1-2]|None|hpcrun:abc|hello\n"
    expected = JobReport(
        job_id="7",
        state=JobState.RUNNING,
        raw_state="RUNNING",
        nodes="n[1-2]",
        elapsed_s=62,
        submitted_at=datetime.fromtimestamp(1763599999, tz=UTC),
        origin="squeue",
        token="abc",
        job_name="hello",
    )
    assert parse_slurm.parse_squeue(stdout) == {"7": expected}


def test_parse_squeue_ended_job_has_its_times() -> None:
    stdout = "7|FAILED|0:05|1763599999|1763600000|1763600005|n1|NonZeroExitCode|(null)|a|b\n"
    report = parse_slurm.parse_squeue(stdout)["7"]
    assert (report.state, report.reason) == (JobState.FAILED, "NonZeroExitCode")
    assert (report.token, report.job_name) == (None, "a|b")
    assert report.started_at == datetime.fromtimestamp(1763600000, tz=UTC)
    assert report.ended_at == datetime.fromtimestamp(1763600005, tz=UTC)


def test_parse_squeue_job_cancelled_while_it_waited_has_never_started() -> None:
    stdout = "8|CANCELLED|0:00|1763599999|1763600000|1763600000||BeginTime|hpcrun:abc|pend\n"
    report = parse_slurm.parse_squeue(stdout)["8"]
    assert (report.started_at, report.elapsed_s) == (None, None)
    assert report.ended_at == datetime.fromtimestamp(1763600000, tz=UTC)


def test_parse_squeue_job_that_waits_has_run_for_no_time_at_all() -> None:
    stdout = "8|PENDING|0:00|1763599999|N/A|N/A||Priority|hpcrun:abc|pend\n"
    report = parse_slurm.parse_squeue(stdout)["8"]
    assert (report.elapsed_s, report.reason) == (None, "Priority")


def test_parse_squeue_unknown_state_is_other_and_keeps_the_word() -> None:
    report = parse_slurm.parse_squeue("7|EXPEDITING|0:00|N/A|N/A|N/A||Priority|(null)|x\n")["7"]
    assert (report.state, report.raw_state, report.is_final) == (
        JobState.OTHER,
        "EXPEDITING",
        False,
    )


@pytest.mark.parametrize("stdout", ["", "\n", "garbage\n", "7|RUNNING\n", "x|RUNNING||||||||\n"])
def test_parse_squeue_garbage_is_no_report(stdout: str) -> None:
    assert parse_slurm.parse_squeue(stdout) == {}


def test_parse_tokens_doubled_submission_gives_the_first_job() -> None:
    stdout = "12|hpcrun:abc\n9|hpcrun:abc\n3|(null)\n4|other|x\n"
    expected = {"hpcrun:abc": "9", "(null)": "3", "other|x": "4"}
    assert parse_slurm.parse_tokens(stdout) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("JobId=7 JobName=x JobState=FAILED ExitCode=3:0 RunTime=00:00:01", (3, None)),
        ("JobId=7 JobState=TIMEOUT ExitCode=0:15", (0, 15)),
        ("JobId=7 JobState=FAILED", None),
        ("JobId=7 ExitCode=1:0 Comment=ExitCode=9:9", (1, None)),
    ],
)
def test_parse_exit_code(text: str, expected: tuple[int, int | None] | None) -> None:
    assert parse_slurm.parse_exit_code(text) == expected


def sacct_row(**changes: str) -> str:
    """One line of sacct, as Slurm 24.11.5 wrote it of a job that was cancelled by its owner."""
    fields = {
        "job": "7",
        "state": "CANCELLED by 1000",
        "exit": "0:0",
        "derived": "0:15",
        "elapsed": "12",
        "submit": "1763599999",
        "start": "1763600000",
        "end": "1763600012",
        "nodes": "n1",
        "uid": "1000",
        "comment": "",
        "name": "wrap",
    }
    return "|".join({**fields, **changes}.values()) + "\n"


def test_parse_sacct_tells_all_that_a_status_needs() -> None:
    expected = JobReport(
        job_id="7",
        state=JobState.CANCELLED,
        raw_state="CANCELLED",
        exit_code=0,
        nodes="n1",
        cancelled_by="its owner",
        elapsed_s=12,
        submitted_at=datetime.fromtimestamp(1763599999, tz=UTC),
        started_at=datetime.fromtimestamp(1763600000, tz=UTC),
        ended_at=datetime.fromtimestamp(1763600012, tz=UTC),
        origin="sacct",
        job_name="wrap",
    )
    assert parse_slurm.parse_sacct(sacct_row()) == {"7": expected}


@pytest.mark.parametrize(
    ("state", "who"),
    [
        ("CANCELLED by 1000", "its owner"),
        ("CANCELLED by 0", "root"),
        ("CANCELLED by 2000", "user 2000"),
        ("CANCELLED", ""),
        ("TIMEOUT", ""),
    ],
)
def test_parse_sacct_says_who_cancelled(state: str, who: str) -> None:
    assert parse_slurm.parse_sacct(sacct_row(state=state))["7"].cancelled_by == who


def test_parse_sacct_job_that_never_started() -> None:
    row = sacct_row(elapsed="0", start="None", nodes="None assigned")
    report = parse_slurm.parse_sacct(row)["7"]
    assert (report.nodes, report.started_at, report.elapsed_s) == ("", None, None)


def test_parse_sacct_comment_and_name_may_hold_anything() -> None:
    row = sacct_row(comment="hpcrun:abc", name="a|b")
    report = parse_slurm.parse_sacct(row)["7"]
    assert (report.token, report.job_name) == ("abc", "a|b")


@pytest.mark.parametrize(
    ("state", "exit_code", "derived", "expected"),
    [
        # Captured: the batch script's own process, a step, and a step that the script survived.
        ("OUT_OF_MEMORY", "0:125", "0:0", (JobState.OUT_OF_MEMORY, 0, None)),
        ("FAILED", "1:0", "0:125", (JobState.OUT_OF_MEMORY, 1, None)),
        ("COMPLETED", "0:0", "0:125", (JobState.COMPLETED, 0, None)),
        ("FAILED", "0:11", "0:11", (JobState.FAILED, 0, 11)),
    ],
)
def test_parse_sacct_step_out_of_memory_is_why_its_job_failed(
    state: str, exit_code: str, derived: str, expected: tuple[JobState, int, int | None]
) -> None:
    row = sacct_row(state=state, exit=exit_code, derived=derived)
    report = parse_slurm.parse_sacct(row)["7"]
    assert (report.state, report.exit_code, report.signal) == expected
    assert report.raw_state == state


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("JobId=7 ExitCode=1:0 DerivedExitCode=0:125 RunTime=00:00:01", 125),
        ("JobId=7 ExitCode=1:9 DerivedExitCode=0:0", 0),
        ("JobId=7 ExitCode=1:9", None),
    ],
)
def test_parse_derived_signal(text: str, signal: int | None) -> None:
    assert parse_slurm.parse_derived_signal(text) == signal


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0:00", 0), ("1:02", 62), ("1:00:00", 3600), ("2-01:00:00", 176400), ("INVALID", None)],
)
def test_parse_elapsed(text: str, seconds: int | None) -> None:
    assert parse_slurm.parse_elapsed_s(text) == seconds


def test_said_lines_leaves_slurms_own_words() -> None:
    stderr = (
        "sbatch: error: Batch job submission failed: Invalid partition name specified\n\n"
        "sbatch: a hint of the site\n"
    )
    assert parse_slurm.said_lines(stderr) == (
        "Batch job submission failed: Invalid partition name specified",
        "a hint of the site",
    )
