"""What people read about runs."""

from pathlib import Path
from typing import Any

import pytest

from hpcrun.model.run import JobState, RunList, RunStatus, SubmitResult
from hpcrun.report.runs import format_list, format_state, format_status, format_submitted
from tests.unit.app.fakes import NOON

FOLDER = Path("/w/.hpcrun/runs/hello-abc")


def status(state: JobState = JobState.COMPLETED, **changes: Any) -> RunStatus:
    values = {
        "run": "hello-abc",
        "job": "hello",
        "site": "fjord",
        "folder": FOLDER,
        "output": FOLDER / "logs" / "slurm-7.out",
        "created_at": NOON,
        "job_id": "7",
        "state": state,
        "is_final": True,
        "raw_state": state.value,
        "reason": "",
        "raw_reason": "",
        "exit_code": 0,
        "signal": None,
        "nodes": "n[1-2]",
        "elapsed_s": 61,
        "started_at": NOON,
        "ended_at": NOON,
        "origin": "scontrol",
        "stage": "application",
    }
    return RunStatus(**{**values, **changes})


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        (status(), "COMPLETED, the job ended well"),
        (
            status(JobState.PENDING, is_final=False, reason="other jobs come first"),
            "PENDING, the job waits for its turn: other jobs come first",
        ),
        (status(JobState.FAILED, exit_code=3), "FAILED, the job failed: exit code 3"),
        (
            status(JobState.FAILED, exit_code=139),
            "FAILED, the job failed: exit code 139 (128 + signal 11)",
        ),
        (
            status(JobState.FAILED, exit_code=127),
            "FAILED, the job failed: exit code 127 "
            "(a command was not found in the container, or a library that it needs)",
        ),
        (
            status(JobState.FAILED, exit_code=126),
            "FAILED, the job failed: exit code 126 "
            "(a command is there in the container, but cannot be executed)",
        ),
        (
            status(JobState.FAILED, exit_code=127, stage="start"),
            "FAILED, the job failed: exit code 127; "
            "the script ended before its checks, see its output",
        ),
        (status(JobState.FAILED, exit_code=255), "FAILED, the job failed: exit code 255"),
        (
            status(JobState.TIMEOUT, signal=15, reason="asked 1 min"),
            "TIMEOUT, the job reached its time limit: asked 1 min; ended by signal 15",
        ),
        (
            status(JobState.FAILED, exit_code=66, stage="preflight"),
            "FAILED, the job failed: exit code 66; the script's checks stopped it before the "
            "command started, see its output",
        ),
        (
            status(JobState.OTHER, raw_state="EXPEDITING", is_final=False),
            "EXPEDITING, the job is in a state that this hpcrun does not know",
        ),
    ],
)
def test_state_in_one_line(seen: RunStatus, text: str) -> None:
    assert format_state(seen) == text


def test_status_names_what_is_known() -> None:
    unknown = {"job_id": None, "output": None, "nodes": "", "elapsed_s": None}
    times = {"started_at": None, "ended_at": None, "exit_code": None}
    text = format_status(status(JobState.NOT_SUBMITTED, **unknown, **times))
    assert text.splitlines() == [
        "hello-abc: NOT_SUBMITTED, the job was never accepted by Slurm",
        "  site     fjord",
        f"  folder   {FOLDER}",
    ]


def test_status_of_a_run_that_ended() -> None:
    assert format_status(status()).splitlines() == [
        "hello-abc: COMPLETED, the job ended well",
        "  job      7",
        "  site     fjord",
        "  nodes    n[1-2]",
        "  started  2026-11-20 12:00:00",
        "  ended    2026-11-20 12:00:00",
        "  elapsed  1 min 1 s",
        f"  folder   {FOLDER}",
        f"  output   {FOLDER}/logs/slurm-7.out",
    ]


def test_list_is_a_table() -> None:
    runs = RunList(runs=(status(), status(JobState.RUNNING, is_final=False, run="longer-name-xyz")))
    assert format_list(runs).splitlines() == [
        "RUN              STATE      JOB  EXIT  ELAPSED    SITE   CREATED",
        "hello-abc        COMPLETED  7    0     1 min 1 s  fjord  2026-11-20 12:00:00",
        "longer-name-xyz  RUNNING    7    -     1 min 1 s  fjord  2026-11-20 12:00:00",
    ]


def test_submitted_says_how_to_follow() -> None:
    result = SubmitResult(
        run="hello-abc",
        job_id="7",
        site="fjord",
        folder=FOLDER,
        output=FOLDER / "logs" / "slurm-7.out",
        script_sha256="0" * 64,
        messages=("a word of the site",),
    )
    assert format_submitted(result, handle="hello-abc").splitlines() == [
        "run hello-abc submitted as job 7 at site fjord",
        f"output: {FOLDER}/logs/slurm-7.out",
        "Slurm says: a word of the site",
        "follow: hpcrun status hello-abc",
    ]
    before = result.model_copy(update={"was_submitted_before": True})
    text = format_submitted(before, handle="hello-abc")
    assert text.startswith("run hello-abc had been submitted before as job 7")


HOSTILE = "\x1b]0;gone\x07\n\u202e\x9b2J"


def test_runs_foreign_text_is_shown_and_not_obeyed() -> None:
    seen = status(
        JobState.OTHER, raw_state=HOSTILE, nodes=HOSTILE, reason=HOSTILE, run=HOSTILE,
        folder=Path(HOSTILE),
    )  # fmt: skip
    for text in (format_status(seen), format_list(RunList(runs=(seen,)))):
        assert all(line.isprintable() for line in text.split("\n"))
        assert "gone" in text
