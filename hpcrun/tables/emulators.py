"""The table of emulators that binfmt_misc handlers name; does not look at nodes."""

import re
from functools import cache

from hpcrun.tables.rows import Document, Row, load_table


class Emulator(Row):
    """One emulator and how far it can be trusted."""

    id: str
    pattern: str
    mpi_since: str
    """First version whose shared memory between processes is right."""
    is_exact: bool
    """Whether floating point is that of the processor by default."""


class _Document(Document):
    emulators: tuple[Emulator, ...]


@cache
def _rows() -> tuple[Emulator, ...]:
    return load_table("emulators", _Document).emulators


def emulator(name: str) -> Emulator | None:
    """Return the row of an emulator as profiles name it."""
    return next((row for row in _rows() if re.fullmatch(row.pattern, name.lower())), None)
