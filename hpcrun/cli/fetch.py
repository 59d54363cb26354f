"""`hpcrun fetch`: bring back what a job left at a site that does not see the files here."""

from pathlib import Path

import click

from hpcrun.cli.run_options import json_option, run_argument, runs_option, site_option


@click.command("fetch")
@run_argument
@runs_option
@site_option
@json_option
def command(run: str | None, runs: Path | None, site: str | None, as_json: bool) -> None:
    """Bring back what the job of RUN has changed or created; without RUN, of the newest one.

    Only where the site does not see the working folder. Nothing that changed here is overwritten.
    """
    from hpcrun.app.fetch import fetch_run
    from hpcrun.cli.wire import find_records
    from hpcrun.report.runs import format_fetched

    records, outside = find_records(run, runs_option=runs, site_option=site)
    result = fetch_run(records, outside)
    click.echo(result.model_dump_json(indent=2) if as_json else format_fetched(result))
