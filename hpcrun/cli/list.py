"""`hpcrun list`: the runs of a folder and what has become of them."""

from functools import partial
from pathlib import Path

import click

from hpcrun.cli.run_options import json_option, runs_option, site_option


@click.command("list")
@runs_option
@site_option
@json_option
def command(runs: Path | None, site: str | None, as_json: bool) -> None:
    """List runs, newest first."""
    from hpcrun.app.list_runs import list_runs
    from hpcrun.cli.wire import outside_of_run, reading_store, runs_folder
    from hpcrun.report.runs import format_list

    folder = runs_folder(runs)
    records = reading_store(site).read_runs(folder)
    found = list_runs(records, partial(outside_of_run, site_option=site))
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    elif found.runs:
        click.echo(format_list(found))
    else:
        click.echo(f"no runs in {folder}")
