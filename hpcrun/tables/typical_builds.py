"""Usual builds of MPI, for saying what another image would do; says nothing about any image."""

from functools import cache
from typing import Literal

from hpcrun.model.base import UNKNOWN, Unknown, Value
from hpcrun.model.image import Family
from hpcrun.tables.rows import Document, Row, load_table


class TypicalPmi(Value):
    """A PMI kind that a build speaks."""

    kind: Literal["pmi1", "pmi2", "pmix"]
    version: str | Unknown = UNKNOWN


class TypicalBuild(Row):
    """One usual build."""

    id: str
    family: Family
    version: str
    soname: str
    name: str
    pmi: tuple[TypicalPmi, ...]


class _Document(Document):
    builds: tuple[TypicalBuild, ...]


@cache
def typical_builds() -> tuple[TypicalBuild, ...]:
    """Return the usual builds."""
    return load_table("typical_builds", _Document).builds
