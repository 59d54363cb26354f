"""The table of Slurm's words: job states and error messages; does not talk to Slurm."""

from collections.abc import Mapping
from functools import cache
from typing import Literal, Self

from pydantic import Field, model_validator

from hpcrun.model.run import FINAL_STATES, JobState
from hpcrun.tables.rows import Document, Row, load_table

Meaning = Literal["out-of-reach", "unknown-job"]


class StateWord(Row):
    """One of Slurm's words for the state of a job."""

    word: str
    state: JobState
    is_final: bool
    text: str
    """Reads after "the job"."""
    why: str = ""
    """By what it ended, with the names of facts in braces."""
    recorded: str = ""
    """The same where only the job's own record is left."""


class ReasonWord(Row):
    """One of Slurm's words for why a job waits; `*` at its end stands for any letters."""

    word: str = Field(pattern=r"^[A-Za-z_]+\*?$")
    text: str


class ErrorText(Row):
    """Part of an error message."""

    text: str = Field(pattern=r"^[^A-Z]+$")
    means: Meaning


class _Document(Document):
    states: tuple[StateWord, ...]
    reasons: tuple[ReasonWord, ...]
    errors: tuple[ErrorText, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        words = [row.word for row in self.states]
        if len(set(words)) != len(words):
            raise ValueError("a state word stands twice")
        if {row.state for row in self.states} != set(JobState) - {JobState.OTHER}:
            raise ValueError("not every state of a job has a word")
        if any(row.is_final != (row.state in FINAL_STATES) for row in self.states):
            raise ValueError("the table and FINAL_STATES disagree on what is final")
        return self


@cache
def _document() -> _Document:
    return load_table("slurm_words", _Document)


@cache
def state_words() -> Mapping[str, StateWord]:
    """Return every state by Slurm's word for it."""
    return {row.word: row for row in _document().states}


def state_of(word: str) -> JobState:
    """Return the state that Slurm's word means; words that nobody knows yet are `OTHER`."""
    row = state_words().get(word)
    return row.state if row else JobState.OTHER


def state_text(state: JobState) -> str:
    """Return what a state means, to be read after "the job"."""
    row = state_words().get(state.value)
    return row.text if row else "is in a state that this hpcrun does not know"


def end_text(state: JobState, facts: Mapping[str, str], *, is_recorded: bool) -> str:
    """Return by what a job ended; empty where its state says it all."""
    row = state_words().get(state.value)
    if row is None:
        return ""
    return ((is_recorded and row.recorded) or row.why).format_map(facts)


def reason_text(word: str) -> str | None:
    """Return why a job waits; None for words that nobody knows yet.

    A reason may go on after a comma, as `ReqNodeNotAvail, UnavailableNodes:n1` does.
    """
    for row in _document().reasons:
        if row.word == word or (row.word.endswith("*") and word.startswith(row.word[:-1])):
            return row.text
    return None


def error_meaning(stderr: str) -> Meaning | None:
    """Return what an error message of Slurm means; None is a refusal."""
    said = stderr.lower()
    return next((row.means for row in _document().errors if row.text in said), None)
