"""The table of options of sbatch and srun; does not read command lines."""

from collections.abc import Sequence
from functools import cache
from typing import Literal

from pydantic import Field

from hpcrun.tables.rows import Document, Row, load_table

Tool = Literal["sbatch", "srun"]
Takes = Literal["value", "optional", "none"]


class SlurmOption(Row):
    """One option, as some tools take it."""

    option: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    short: str | None = Field(default=None, pattern=r"^[A-Za-z]$")
    tools: tuple[Tool, ...]
    takes: Takes
    plugin: str | None = None
    """The plugin that adds it, where Slurm itself does not have it."""


class _Document(Document):
    options: tuple[SlurmOption, ...]


@cache
def slurm_options(tool: Tool) -> tuple[SlurmOption, ...]:
    """Return the options of a tool."""
    rows = load_table("slurm_options", _Document).options
    return tuple(row for row in rows if tool in row.tools)


def by_letter(rows: Sequence[SlurmOption], letter: str) -> SlurmOption | None:
    """Return the option with a letter."""
    return next((row for row in rows if row.short == letter), None)


def by_beginning(rows: Sequence[SlurmOption], name: str) -> tuple[SlurmOption, ...]:
    """Return the option of a name, else all that begin with it, as getopt_long(3) looks for it."""
    exact = tuple(row for row in rows if row.option == name)
    return exact or tuple(row for row in rows if row.option.startswith(name) and not row.plugin)
