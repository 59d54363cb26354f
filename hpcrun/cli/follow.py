"""Waits for a run and shows its state as it changes: one live line on a terminal, else lines."""

import shutil
import sys
import time

import click

from hpcrun.app.submit import Outside
from hpcrun.app.wait import wait_for_run
from hpcrun.cli.wire import handle_of
from hpcrun.errors import UnavailableError
from hpcrun.model.run import Run, RunRecords, RunStatus
from hpcrun.model.staging import FETCHED
from hpcrun.report.runs import format_state
from hpcrun.report.terminal import escape
from hpcrun.units import format_duration

INTERRUPTED = 130
"""What a shell gives for a command that Ctrl-C ended."""


def follow_run(
    records: RunRecords, outside: Outside, *, timeout_s: float | None
) -> RunStatus | None:
    """Wait for a run; None where Ctrl-C ended the wait, which leaves the job alone."""
    line = StateLine()
    try:
        return wait_for_run(
            records,
            outside,
            timeout_s=timeout_s,
            on_status=line.show,
            on_silence=line.show_silence,
        )
    except KeyboardInterrupt:
        line.end()
        handle = handle_of(records.run.folder)
        click.echo(f"the job goes on; follow it: hpcrun status {handle}", err=True)
        click.echo(f"or end it: hpcrun cancel {handle}", err=True)
        return None
    finally:
        line.end()


def fetch_ended(records: RunRecords, outside: Outside) -> None:
    """Bring home what a job has left at a site that does not see the files here."""
    if records.run.staged is None:
        return
    from hpcrun.app.fetch import fetch_run
    from hpcrun.report.runs import format_fetched

    click.echo(format_fetched(fetch_run(records, outside)), err=True)


def tell_what_waits(run: Run) -> None:
    """Say that what a job has left is still at its site, where that is so."""
    if run.staged is not None and not (run.folder / FETCHED).exists():
        handle = handle_of(run.folder)
        click.echo(f"what the job left is still at the site: hpcrun fetch {handle}", err=True)


class StateLine:
    """The state of a run on standard error."""

    def __init__(self) -> None:
        self._is_live = sys.stderr.isatty()
        self._shown = ""
        self._began = time.monotonic()

    def show(self, status: RunStatus) -> None:
        """Show a state, where it is another one than before."""
        self._write(f"job {status.job_id}: {format_state(status)}")

    def show_silence(self, error: UnavailableError) -> None:
        """Say that the scheduler does not answer, and that it will be asked again."""
        self._write(f"{error.message}; asking again")

    def end(self) -> None:
        """Leave the last state standing on a line of its own."""
        if self._is_live and self._shown:
            click.echo(err=True)
        self._shown = ""

    def _write(self, said: str) -> None:
        text = escape(said)
        if self._is_live:
            waited = format_duration(int(time.monotonic() - self._began))
            width = max(20, shutil.get_terminal_size().columns - 1)
            click.echo(f"\r\x1b[K{f'[{waited}] {text}'[:width]}", nl=False, err=True)
        elif text != self._shown:
            click.echo(text, err=True)
        self._shown = text
