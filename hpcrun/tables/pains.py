"""What users of MPI in containers suffer from, and the rules that tell of it; shown as a page."""

from functools import cache
from typing import Self

from pydantic import Field, model_validator

from hpcrun.tables.rows import Document, Row, load_table


class Pain(Row):
    """One of them: the rules by which it is told, or why it cannot be seen before the job runs."""

    id: str = Field(pattern=r"^P[1-9][0-9]?$")
    pain: str
    codes: tuple[str, ...] = ()
    not_beforehand: str | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if bool(self.codes) is bool(self.not_beforehand):
            raise ValueError(f"{self.id} needs either rules or why there are none")
        return self


class _Document(Document):
    pains: tuple[Pain, ...]


@cache
def pains() -> tuple[Pain, ...]:
    """Return all of them, in the order of their numbers."""
    return load_table("pains", _Document).pains
