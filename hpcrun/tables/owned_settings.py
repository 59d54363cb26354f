"""The tables of what hpcrun sets itself, so that a job cannot; refuses nothing."""

from functools import cache

from hpcrun.tables.rows import Document, Row, load_table


class OwnedOption(Row):
    """An option of sbatch that hpcrun gives."""

    option: str
    short: str | None = None
    instead: str | None = None
    """The key of job.yaml for it."""
    why: str | None = None
    """Set where the reason is not that hpcrun gives the option itself."""


class ShortForm(Row):
    """A letter that stands for an option which a job may give by its long name."""

    letter: str
    option: str


class OwnedOptions(Document):
    """What cannot stand among a job's further sbatch options."""

    options: tuple[OwnedOption, ...]
    short_forms: tuple[ShortForm, ...]


class OwnedVariable(Row):
    """Environment variables that a job cannot set."""

    name: str
    """A pattern."""
    why: str
    instead: str


class _Variables(Document):
    variables: tuple[OwnedVariable, ...]


@cache
def owned_options() -> OwnedOptions:
    """Return the table of options."""
    return load_table("owned_options", OwnedOptions)


@cache
def owned_variables() -> tuple[OwnedVariable, ...]:
    """Return the rows of variables."""
    return load_table("owned_variables", _Variables).variables
