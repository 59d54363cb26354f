"""Options that the commands about runs share; does not act on them."""

from pathlib import Path

import click
from pydantic import ValidationError

from hpcrun.errors import UsageError
from hpcrun.model.job import Allow

run_argument = click.argument("run", required=False)
"""A run: its name, a unique beginning of it, its folder or its job id; without it, the newest."""

runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path),
    help="Folder of runs (HPCRUN_RUNS, else .hpcrun/runs beside the job file or up from here).",
)
site_option = click.option("--site", help="Name of the site, or path of its profile.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
allow_option = click.option(
    "--allow",
    "allows",
    multiple=True,
    metavar="RULE=REASON",
    help="Go on in spite of a rule, with the reason that stays on record.",
)


def parse_allows(texts: tuple[str, ...]) -> tuple[Allow, ...]:
    """Return the rules that `--allow` overrides."""
    return tuple(_parse_allow(text) for text in texts)


def _parse_allow(text: str) -> Allow:
    from hpcrun.rules import find_rule

    name, _, reason = text.partition("=")
    try:
        return Allow(rule=find_rule(name).code, because=reason.strip())
    except ValidationError as exc:
        raise UsageError(
            f"`--allow {text}` is not RULE=REASON",
            help=("for example `--allow HPR402='tried by hand on this cluster'`",),
        ) from exc
