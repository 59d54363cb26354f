"""The catalogue of rules: codes, names, severities; does not apply them and holds no pages."""

from collections.abc import Mapping
from functools import cache
from string import Formatter
from typing import Self

from pydantic import Field, model_validator

from hpcrun.model.base import Value
from hpcrun.model.diagnostic import Confidence, Role, Severity
from hpcrun.tables.rows import Document, Row, load_table

HELP_WORDS = frozenset(
    {
        *("mpi_types", "n_tasks", "node_archs", "node_oci", "partitions"),
        *("runtime_request", "shared", "stacks"),
    }
)
"""What a help may leave open, to be filled in from job and profile."""


class RuleHelp(Value):
    """What to do, for whom, and how sure it is to mend the fault."""

    role: Role
    confidence: Confidence
    text: str

    @model_validator(mode="after")
    def _check_words(self) -> Self:
        used = {name for _, name, _, _ in Formatter().parse(self.text) if name is not None}
        if not used <= HELP_WORDS:
            raise ValueError(f"unknown words in a help: {sorted(used - HELP_WORDS)}")
        return self


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
    help: tuple[RuleHelp, ...] = Field(min_length=1)
    help_unknown: tuple[RuleHelp, ...] = ()
    """What to do where the fault is that something is not known; else the same as help."""


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
