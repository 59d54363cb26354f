"""The table of emulators that binfmt_misc handlers name; does not look at nodes."""

import re
from functools import cache

from hpcrun.model.base import Unknown, is_known
from hpcrun.model.image import Family
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


class Doubtful(Row):
    """MPI libraries whose programs were seen to fail now and then when they are emulated."""

    id: str
    family: Family
    since: str
    before: str
    outcome: str


class _Document(Document):
    emulators: tuple[Emulator, ...]
    doubtful: tuple[Doubtful, ...]


@cache
def _table() -> _Document:
    return load_table("emulators", _Document)


def emulator(name: str) -> Emulator | None:
    """Return the row of an emulator as profiles name it."""
    return next(
        (row for row in _table().emulators if re.fullmatch(row.pattern, name.lower())), None
    )


def doubtful_under_emulation(family: Family | Unknown, version: str) -> Doubtful | None:
    """Return the row of an MPI library that may fail; an unknown version counts as any."""
    for row in _table().doubtful:
        is_in_range = VersionRange(since=row.since, before=row.before).holds(version)
        if row.family == family and (is_in_range or not is_known(version)):
            return row
    return None
