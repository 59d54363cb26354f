"""The table of options of the container runtimes' `exec` and `run`; does not read command lines."""

from collections.abc import Sequence
from functools import cache
from typing import Literal

from pydantic import Field

from hpcrun.tables.rows import Document, Row, load_table

Meaning = Literal[
    "bind",
    "mount",
    "env",
    "folder",
    "gpu",
    "cleanenv",
    "contain",
    "containall",
    "harmless",
    "lost",
]


class RuntimeOption(Row):
    """One option."""

    option: str = Field(pattern=r"^[a-z][a-z-]*$")
    short: str | None = Field(default=None, pattern=r"^[A-Za-z]$")
    takes: Literal["value", "none"]
    means: Meaning


class RuntimeOptions(Document):
    """Options of the runtime, in front of its command word and behind it."""

    options: tuple[RuntimeOption, ...]
    leading: tuple[RuntimeOption, ...]


@cache
def runtime_options() -> RuntimeOptions:
    """Return the table."""
    return load_table("runtime_options", RuntimeOptions)


def find_option(rows: Sequence[RuntimeOption], name: str) -> RuntimeOption | None:
    """Return an option by its whole name, or by its letter."""
    return next((row for row in rows if name in (row.option, row.short)), None)
