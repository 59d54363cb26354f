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
    stdout = "7|RUNNING|1:02|1763600000|1763603600|n[1-2]|None|hpcrun:abc|hello\n"
    expected = JobReport(
        job_id="7",
        state=JobState.RUNNING,
        raw_state="RUNNING",
        nodes="n[1-2]",
        elapsed_s=62,
        origin="squeue",
        token="abc",
        job_name="hello",
    )
    assert parse_slurm.parse_squeue(stdout) == {"7": expected}


def test_parse_squeue_ended_job_has_its_times() -> None:
    stdout = "7|FAILED|0:05|1763600000|1763600005|n1|NonZeroExitCode|(null)|a|b\n"
    report = parse_slurm.parse_squeue(stdout)["7"]
    assert (report.state, report.reason) == (JobState.FAILED, "NonZeroExitCode")
    assert (report.token, report.job_name) == (None, "a|b")
    assert report.started_at == datetime.fromtimestamp(1763600000, tz=UTC)
    assert report.ended_at == datetime.fromtimestamp(1763600005, tz=UTC)


def test_parse_squeue_job_cancelled_while_it_waited_has_never_started() -> None:
    stdout = "8|CANCELLED|0:00|1763600000|1763600000||BeginTime|hpcrun:abc|pend\n"
    report = parse_slurm.parse_squeue(stdout)["8"]
    assert report.started_at is None
    assert report.ended_at == datetime.fromtimestamp(1763600000, tz=UTC)


def test_parse_squeue_unknown_state_is_other_and_keeps_the_word() -> None:
    report = parse_slurm.parse_squeue("7|EXPEDITING|0:00|N/A|N/A||Priority|(null)|x\n")["7"]
    assert (report.state, report.raw_state, report.is_final) == (
        JobState.OTHER,
        "EXPEDITING",
        False,
    )


@pytest.mark.parametrize("stdout", ["", "\n", "garbage\n", "7|RUNNING\n", "x|RUNNING|||||||\n"])
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


def test_parse_sacct_cancelled_by_somebody() -> None:
    stdout = "7|CANCELLED by 1000|0:15|12|1763600000|1763600012|n1\n"
    report = parse_slurm.parse_sacct(stdout)["7"]
    assert (report.state, report.signal, report.elapsed_s) == (JobState.CANCELLED, 15, 12)


def test_parse_sacct_job_that_never_started() -> None:
    report = parse_slurm.parse_sacct("7|CANCELLED|0:0|0|None|1763600012|None assigned\n")["7"]
    assert (report.nodes, report.started_at, report.exit_code) == ("", None, 0)


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
