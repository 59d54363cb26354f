"""Slurm's words mean what its manual says, and unknown ones mean nothing."""

import pytest

from hpcrun.model.run import FINAL_STATES, JobState
from hpcrun.tables.slurm_words import error_meaning, state_of, state_text, state_words


def test_state_every_row_agrees_with_final_states() -> None:
    assert {r.state for r in state_words().values() if r.is_final} == FINAL_STATES


def test_state_requeued_waits_again() -> None:
    assert state_of("REQUEUED") is JobState.PENDING


@pytest.mark.parametrize("word", ["", "completed", "POWERING_UP", "COMPLETED+"])
def test_state_unknown_word_is_other(word: str) -> None:
    assert state_of(word) is JobState.OTHER


def test_state_text_of_every_state_is_there() -> None:
    assert [state for state in JobState if not state_text(state)] == []


@pytest.mark.parametrize(
    ("stderr", "meaning"),
    [
        (
            "sbatch: error: Batch job submission failed: Unable to contact slurm controller "
            "(connect failure)",
            "out-of-reach",
        ),
        (
            "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
            "out-of-reach",
        ),
        ("slurm_load_jobs error: Invalid job id specified", "unknown-job"),
        ("sbatch: error: Batch job submission failed: Invalid account", None),
        ("", None),
    ],
)
def test_error_meaning(stderr: str, meaning: str | None) -> None:
    assert error_meaning(stderr) == meaning
