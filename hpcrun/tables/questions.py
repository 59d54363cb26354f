"""The questions that verdicts answer; does not ask them."""

from functools import cache
from typing import Self

from pydantic import Field, model_validator

from hpcrun.tables.rows import Document, Row, load_table


class QuestionRow(Row):
    """One question, and the rules by which its answers speak."""

    id: str = Field(pattern=r"^[a-z]+(-[a-z]+)*$")
    asks: str
    codes: tuple[str, ...] = Field(min_length=1)


class _Document(Document):
    questions: tuple[QuestionRow, ...]

    @model_validator(mode="after")
    def _check_unique(self) -> Self:
        if len({row.id for row in self.questions}) != len(self.questions):
            raise ValueError("two questions share an id")
        return self


@cache
def questions() -> dict[str, QuestionRow]:
    """Return every question by its id."""
    return {row.id: row for row in load_table("questions", _Document).questions}
