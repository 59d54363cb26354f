"""What hpcrun sets itself, as names that cannot be keys of a job file; decides nothing."""

from functools import cache
from typing import TYPE_CHECKING

from hpcrun.loading.groups import Forbidden

if TYPE_CHECKING:
    from hpcrun.tables.owned_settings import OwnedOption


@cache
def owned_options() -> tuple[Forbidden, ...]:
    """Give the sbatch options that `resources.extra` cannot hold, and all short forms."""
    from hpcrun.tables import owned_settings

    table = owned_settings.owned_options()
    owned = [
        Forbidden(
            pattern="|".join(name for name in (row.option, row.short) if name),
            why=row.why or f"hpcrun sets `--{row.option}` itself",
            instead=_instead(row),
        )
        for row in table.options
    ]
    short = [
        Forbidden(
            row.letter, f"`-{row.letter}` is short for `--{row.option}`", f"write `{row.option}`"
        )
        for row in table.short_forms
    ]
    return (*owned, *short, *map(_abbreviations, table.options))


def _abbreviations(row: "OwnedOption") -> Forbidden:
    """Forbid what sbatch takes for an option: the beginnings of its name (getopt_long(3))."""
    beginnings = [row.option[:length] for length in range(1, len(row.option))]
    return Forbidden(
        pattern="|".join(beginnings),
        why=f"sbatch takes the beginning of `--{row.option}` for it, which hpcrun sets itself",
        instead=_instead(row),
    )


def _instead(row: "OwnedOption") -> str:
    return f"use the key `{row.instead}`" if row.instead else "remove it"


@cache
def owned_variables() -> tuple[Forbidden, ...]:
    """Give the environment variables that a job cannot set."""
    from hpcrun.tables import owned_settings

    rows = owned_settings.owned_variables()
    return tuple(Forbidden(row.name, row.why, row.instead) for row in rows)
