"""The catalogue of rules: codes, names, severities; does not apply them and holds no pages."""

from collections.abc import Mapping
from functools import cache
from typing import Self

from pydantic import Field, model_validator

from hpcrun.model.diagnostic import Severity
from hpcrun.tables.rows import Document, Row, load_table


class Rule(Row):
    """One rule."""

    code: str = Field(pattern=r"^HPR[0-9]{3}$")
    name: str = Field(pattern=r"^[a-z]+(-[a-z]+)*$")
    """States the fault; reads after "allow"."""
    severity: Severity
    allowable: bool
    """Whether a job may allow it with a reason."""
    key: str | None = None
    """Key of job.yaml that it speaks about, with dots."""
    made_by: str
    """Package that emits it."""
    summary: str


class _Document(Document):
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _check_unique(self) -> Self:
        codes = [row.code for row in self.rules]
        if codes != sorted(set(codes)):
            raise ValueError("rules must be in the order of their codes, each once")
        if len({row.name for row in self.rules}) != len(codes):
            raise ValueError("two rules share a name")
        return self


@cache
def rules() -> Mapping[str, Rule]:
    """Return every rule by its code."""
    return {row.code: row for row in load_table("rules", _Document).rules}
