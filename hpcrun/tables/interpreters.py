"""The table of programs that run or load others; does not look into images."""

import re
from functools import cache
from pathlib import PurePosixPath

from hpcrun.tables.rows import Document, Row, load_table


class Interpreter(Row):
    """Programs of one kind, by a pattern of their file names."""

    pattern: str


class _Document(Document):
    interpreters: tuple[Interpreter, ...]


@cache
def _rows() -> tuple[Interpreter, ...]:
    return load_table("interpreters", _Document).interpreters


def is_interpreter(path: str) -> bool:
    """Whether a program runs others or loads modules, so that it says little about the job."""
    name = PurePosixPath(path).name
    return any(re.fullmatch(row.pattern, name) for row in _rows())
