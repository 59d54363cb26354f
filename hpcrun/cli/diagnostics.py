"""Shows the diagnostics of a plan on standard error; decides nothing."""

import os
import sys

import click

from hpcrun.cli.planned import PlannedFile
from hpcrun.report.diagnostics import format_diagnostics
from hpcrun.report.terminal import wants_colour


def show_diagnostics(planned: PlannedFile, *, is_verbose: bool = False) -> None:
    """Say what is to be said about a plan and the choice of its site."""
    diagnostics = (*planned.warnings, *planned.plan.diagnostics)
    if diagnostics:
        colour = wants_colour(sys.stderr, os.environ)
        text = format_diagnostics(diagnostics, colour=colour, is_verbose=is_verbose)
        click.echo(f"{text}\n", err=True)
