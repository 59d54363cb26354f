"""`hpcrun render`: the script that a job would get."""

import sys
from pathlib import Path

import click

from hpcrun.cli.planned import plan_file, planning_options


@click.command("render")
@planning_options
def command(
    job_file: Path, *, site: str | None, allows: tuple[str, ...], passport: Path | None
) -> None:
    """Print the script of JOB, with the places of its run still open.

    Its SHA-256 is the `script_sha256` of the plan.
    """
    from hpcrun.errors import RefusedError
    from hpcrun.render import open_place, render_script
    from hpcrun.report.terminal import escape

    plan = plan_file(job_file, site=site, allows=allows, passport=passport).plan
    if plan.is_refused:
        raise RefusedError(f"the plan of `{plan.job}` is refused", diagnostics=plan.diagnostics)
    script = render_script(plan, place=open_place(plan))
    if sys.stdout.isatty():
        # Its words are the job file's; in a file or pipe they stay as they are.
        script = "\n".join(map(escape, script.split("\n")))
    click.echo(script, nl=False)
