"""The table of emulators that binfmt_misc handlers name; does not look at nodes."""

import re
from functools import cache
from typing import Literal

from pydantic import model_validator

from hpcrun.model.base import Unknown, is_known
from hpcrun.model.image import Family
from hpcrun.model.verdict import Answer
from hpcrun.tables.rows import Document, Row, load_table
from hpcrun.tables.versions import VersionRange


class Emulator(Row):
    """One emulator and how far it can be trusted."""

    id: str
    pattern: str
    mpi_since: str
    """First version whose shared memory between processes is right."""
    is_exact: bool
    """Whether floating point is that of the processor by default."""


class Clash(Row):
    """An MPI library that fails under some versions of an emulator, or about which nobody knows."""

    id: str
    emulator: str
    emulator_since: str
    emulator_before: str
    family: Family
    since: str
    before: str
    answer: Literal[Answer.INCOMPATIBLE, Answer.UNKNOWN]
    outcome: str


class _Document(Document):
    emulators: tuple[Emulator, ...]
    clashes: tuple[Clash, ...]

    @model_validator(mode="after")
    def _check_emulators(self) -> "_Document":
        strange = {row.emulator for row in self.clashes} - {row.id for row in self.emulators}
        if strange:
            raise ValueError(f"no emulator has the id {', '.join(sorted(strange))}")
        return self


@cache
def _table() -> _Document:
    return load_table("emulators", _Document)


def emulator(name: str) -> Emulator | None:
    """Return the row of an emulator as profiles name it."""
    return next(
        (row for row in _table().emulators if re.fullmatch(row.pattern, name.lower())), None
    )


def emulation_clash(
    name: str, emulator_version: str | Unknown, family: Family | Unknown, version: str | Unknown
) -> Clash | None:
    """Return what is known against an MPI library under an emulator; unknown versions are any."""
    row = emulator(name)
    for clash in _table().clashes:
        if (
            (row and row.id, family) == (clash.emulator, clash.family)
            and _may_hold(clash.emulator_since, clash.emulator_before, emulator_version)
            and _may_hold(clash.since, clash.before, version)
        ):
            return clash
    return None


def _may_hold(since: str, before: str, version: str | Unknown) -> bool:
    return not is_known(version) or VersionRange(since=since, before=before).holds(version)
