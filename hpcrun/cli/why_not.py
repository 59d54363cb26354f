"""`hpcrun why-not`: why a way to run a job was not chosen; changes nothing."""

from pathlib import Path

import click

from hpcrun.cli.planned import plan_file, planning_options
from hpcrun.cli.run_options import json_option


@click.command("why-not")
@click.argument("candidate", metavar="CANDIDATE")
@planning_options
@click.option("--verbose", is_flag=True, help="Print every line of evidence, and the rows.")
@json_option
def command(  # noqa: PLR0913  one parameter per option
    candidate: str,
    job_file: Path,
    *,
    site: str | None,
    allows: tuple[str, ...],
    passport: Path | None,
    verbose: bool,
    as_json: bool,
) -> None:
    """Say why JOB would not run as CANDIDATE, and what would have to change.

    CANDIDATE is one or more words: a model, launcher, type of `srun --mpi`, host stack, execution
    or image architecture, as `hpcrun plan` shows them: 'hybrid --mpi=pmi2', 'bind', 'emulated'.
    """
    from hpcrun.app.why_not import why_not
    from hpcrun.report.why_not import format_why_not

    planned = plan_file(job_file, site=site, allows=allows, passport=passport)
    answer = why_not(candidate.split(), planned.job, planned.site, passports=planned.passports)
    if as_json:
        click.echo(answer.model_dump_json(indent=2))
    else:
        click.echo(format_why_not(answer, is_verbose=verbose), nl=False)
