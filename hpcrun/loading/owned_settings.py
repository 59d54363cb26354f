"""Reads the tables of what hpcrun sets itself, so that a job cannot; decides nothing."""

from functools import cache
from pathlib import Path
from typing import Any

from hpcrun.loading.compose import compose
from hpcrun.loading.groups import Forbidden, ListOf, MappingOf
from hpcrun.loading.leaves import Text
from hpcrun.loading.problems import Problems
from hpcrun.loading.records import Field, Record
from hpcrun.loading.shapes import Place, Reading, Shape
from hpcrun.loading.source import Unreadable, read_source

_FOLDER = Path(__file__).parent
_TEXT = Field(Text())
_NEEDED = Field(Text(), is_required=True)

_OPTIONS = Record(
    {
        "source": _NEEDED,
        "options": Field(
            ListOf(Record({"option": _NEEDED, "short": _TEXT, "instead": _TEXT, "why": _TEXT})),
            is_required=True,
        ),
        "short_forms": Field(MappingOf(Text()), is_required=True),
    }
)
_VARIABLES = Record(
    {
        "variables": Field(
            ListOf(
                Record({"name": _NEEDED, "why": _NEEDED, "instead": _NEEDED, "source": _NEEDED})
            ),
            is_required=True,
        )
    }
)


@cache
def owned_options() -> tuple[Forbidden, ...]:
    """Give the sbatch options that `resources.extra` cannot hold, and all short forms."""
    table = _read("owned_options.yaml", _OPTIONS)
    owned = [
        Forbidden(
            pattern="|".join(name for name in (row["option"], row.get("short")) if name),
            why=row.get("why", f"hpcrun sets `--{row['option']}` itself"),
            instead=f"use the key `{row['instead']}`" if "instead" in row else "remove it",
        )
        for row in table["options"]
    ]
    short = [
        Forbidden(letter, f"`-{letter}` is short for `--{name}`", f"write `{name}`")
        for letter, name in table["short_forms"].items()
    ]
    return (*owned, *short, *map(_abbreviations, table["options"]))


def _abbreviations(row: dict[str, str]) -> Forbidden:
    """Forbid what sbatch takes for an option: the beginnings of its name (getopt_long(3))."""
    name = row["option"]
    beginnings = [name[:length] for length in range(1, len(name))]
    return Forbidden(
        pattern="|".join(beginnings),
        why=f"sbatch takes the beginning of `--{name}` for it, which hpcrun sets itself",
        instead=f"use the key `{row['instead']}`" if "instead" in row else "remove it",
    )


@cache
def owned_variables() -> tuple[Forbidden, ...]:
    """Give the environment variables that a job cannot set."""
    rows = _read("owned_variables.yaml", _VARIABLES)["variables"]
    return tuple(Forbidden(row["name"], row["why"], row["instead"]) for row in rows)


def _read(name: str, shape: Shape) -> Any:
    """Read a table of our own; a wrong one is a bug, which the tests find."""
    source = read_source(_FOLDER / name)
    problems = Problems()
    assert not isinstance(source, Unreadable), name  # noqa: S101
    tree = compose(source, problems)
    if tree is None:
        problems.refuse(name)
    table = shape.read(tree, Place("", source.span(1, 1), Reading(problems)))
    if len(problems):
        problems.refuse(name)
    return table
