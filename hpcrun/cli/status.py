"""`hpcrun status`: what has become of a run."""

from pathlib import Path

import click

from hpcrun.cli.run_options import json_option, run_argument, runs_option, site_option


@click.command("status")
@run_argument
@runs_option
@site_option
@json_option
def command(run: str | None, runs: Path | None, site: str | None, as_json: bool) -> None:
    """Say what has become of RUN (a name, a unique beginning of it, a folder or a job id).

    Without RUN, of the newest one.
    """
    from hpcrun.app.status import read_status
    from hpcrun.cli.follow import tell_what_waits
    from hpcrun.cli.wire import find_records
    from hpcrun.report.runs import format_status

    records, outside = find_records(run, runs_option=runs, site_option=site)
    status = read_status(records, outside)
    click.echo(status.model_dump_json(indent=2) if as_json else format_status(status))
    if status.is_final:
        tell_what_waits(records.run)
