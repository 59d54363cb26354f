"""`hpcrun plan`: how a job would run at a site, and why; submits nothing."""

from pathlib import Path

import click

from hpcrun.cli.planned import plan_file, planning_options
from hpcrun.cli.run_options import json_option
from hpcrun.errors import ExitCode


@click.command("plan")
@planning_options
@click.option("--verbose", is_flag=True, help="Print every line of evidence.")
@json_option
@click.pass_context
def command(  # noqa: PLR0913  one parameter per option
    context: click.Context,
    job_file: Path,
    *,
    site: str | None,
    allows: tuple[str, ...],
    passport: Path | None,
    verbose: bool,
    as_json: bool,
) -> None:
    """Say how JOB would run: model, launcher, MPI, environment, and why nothing else.

    The image is read, never run; nothing is submitted. Ends with 1 where the job is refused.
    """
    from hpcrun.cli.diagnostics import show_diagnostics
    from hpcrun.report.plan import format_plan

    planned = plan_file(job_file, site=site, allows=allows, passport=passport)
    if as_json:
        click.echo(planned.plan.model_dump_json(indent=2))
    else:
        click.echo(format_plan(planned.plan))
        show_diagnostics(planned, is_verbose=verbose)
    context.exit(ExitCode.REFUSED if planned.plan.is_refused else ExitCode.OK)
