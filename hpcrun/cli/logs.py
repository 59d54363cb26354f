"""`hpcrun logs`: the output of a run's job."""

import sys
from pathlib import Path

import click

from hpcrun.cli.run_options import run_argument, runs_option, site_option


@click.command("logs")
@run_argument
@runs_option
@site_option
@click.option("--follow", "-f", is_flag=True, help="Go on until the job ends.")
def command(run: str | None, runs: Path | None, site: str | None, follow: bool) -> None:
    """Print the output of RUN's job; without RUN, of the newest one."""
    from hpcrun.app.logs import read_logs
    from hpcrun.cli.wire import find_records

    records, outside = find_records(run, runs_option=runs, site_option=site)
    is_empty = True
    for piece in read_logs(records, outside, follow=follow):
        is_empty = False
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    if is_empty:
        click.echo("no output yet", err=True)
