"""`hpcrun cancel`: cancel a run's job."""

from pathlib import Path

import click

from hpcrun.cli.run_options import json_option, run_argument, runs_option, site_option


@click.command("cancel")
@run_argument
@runs_option
@site_option
@json_option
def command(run: str | None, runs: Path | None, site: str | None, as_json: bool) -> None:
    """Cancel the job of RUN; without RUN, of the newest one."""
    from hpcrun.app.cancel import cancel_run
    from hpcrun.cli.wire import find_records
    from hpcrun.report.runs import format_status

    records, outside = find_records(run, runs_option=runs, site_option=site)
    status = cancel_run(records, outside)
    click.echo(status.model_dump_json(indent=2) if as_json else format_status(status))
