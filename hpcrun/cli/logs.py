"""`hpcrun logs`: the output of a run's job."""

import sys
from collections.abc import Iterable
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
    n_bytes = _show(read_logs(records, outside, follow=follow))
    if not n_bytes:
        click.echo("no output yet", err=True)


def _show(pieces: Iterable[bytes]) -> int:
    """Write a job's output: to a terminal what is safe there, else every byte as it is."""
    from hpcrun.report.terminal import SafeOutput

    safe, n_bytes = SafeOutput(), 0
    for piece in pieces:
        n_bytes += len(piece)
        if sys.stdout.isatty():
            click.echo(safe.text_of(piece), nl=False, color=True)
        else:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    if sys.stdout.isatty():
        click.echo(safe.text_of(b"", is_last=True), nl=False, color=True)
    return n_bytes
