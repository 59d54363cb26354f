"""`hpcrun submit`: plan a job, submit it, and wait for it where that is asked for."""

from pathlib import Path

import click

from hpcrun.app.submit import Outside
from hpcrun.cli.planned import PlannedFile, plan_file
from hpcrun.cli.run_options import allow_option, json_option, runs_option, site_option
from hpcrun.model.plan import Plan
from hpcrun.model.run import SubmitResult


@click.command("submit")
@click.argument("job_file", metavar="JOB", type=click.Path(path_type=Path))
@site_option
@runs_option
@click.option("--wait", is_flag=True, help="Wait for the job; end with its exit code.")
@click.option("--timeout", metavar="DURATION", help="Wait no longer than this, for example 2h.")
@click.option("--dry-run", is_flag=True, help="Show what would be done; submit nothing.")
@allow_option
@json_option
@click.pass_context
def command(  # noqa: PLR0913  one parameter per option
    context: click.Context,
    job_file: Path,
    *,
    site: str | None,
    runs: Path | None,
    wait: bool,
    timeout: str | None,
    dry_run: bool,
    allows: tuple[str, ...],
    as_json: bool,
) -> None:
    """Submit JOB to the scheduler of its site.

    A job that cannot work is refused before anything is written. Ctrl-C ends the wait, not the job.
    """
    from hpcrun.cli.diagnostics import show_diagnostics
    from hpcrun.errors import RefusedError, UsageError

    if timeout is not None and not wait:
        raise UsageError("`--timeout` says how long `--wait` waits, which is not asked for")
    timeout_s = _seconds(timeout)
    planned = plan_file(job_file, site=site, allows=allows)
    if planned.plan.is_refused:
        raise RefusedError(
            f"the plan of `{planned.plan.job}` is refused", diagnostics=planned.plan.diagnostics
        )
    show_diagnostics(planned)
    if dry_run:
        _show_plan(planned.plan, as_json=as_json)
        return
    outside = _outside(planned, is_own_choice=site is not None)
    result = _submit(planned, runs, outside)
    if not wait:
        _show_result(result, as_json=as_json)
        return
    context.exit(_wait(result, outside, timeout_s=timeout_s, as_json=as_json))


def _outside(planned: PlannedFile, *, is_own_choice: bool) -> Outside:
    from hpcrun.cli.wire import outside_of, outside_of_choice

    if is_own_choice or planned.job.submit.site in ("", "auto"):
        return outside_of(planned.site)
    return outside_of_choice(planned.site, by=f"`{planned.job.file}`")


def _submit(planned: PlannedFile, runs: Path | None, outside: Outside) -> SubmitResult:
    from hpcrun.app.check_paths import JobFile
    from hpcrun.app.submit import Planned, submit_run
    from hpcrun.cli.wire import runs_folder

    made = Planned(
        planned.plan,
        planned.job_text,
        planned.site,
        planned.passports,
        JobFile(planned.job, planned.positions),
    )
    folder = runs_folder(runs, job_file=planned.job.file)
    try:
        return submit_run(made, runs=folder, outside=outside)
    except KeyboardInterrupt:
        click.echo("interrupted while submitting; submit again, and the same run goes on", err=True)
        raise


def _wait(result: SubmitResult, outside: Outside, *, timeout_s: float | None, as_json: bool) -> int:
    from hpcrun.app.status import exit_code_of
    from hpcrun.cli.follow import INTERRUPTED, fetch_ended, follow_run
    from hpcrun.report.runs import format_status

    if not as_json:
        _show_result(result, as_json=False)
    records = outside.store.read_run(result.folder)
    status = follow_run(records, outside, timeout_s=timeout_s)
    if status is not None:
        fetch_ended(records, outside)
    if as_json:
        _show_result(result.model_copy(update={"status": status}), as_json=True)
    elif status is not None:
        click.echo(format_status(status))
    return INTERRUPTED if status is None else exit_code_of(status)


def _show_plan(plan: Plan, *, as_json: bool) -> None:
    from hpcrun.report.plan import format_plan

    if as_json:
        click.echo(plan.model_dump_json(indent=2))
        return
    click.echo(format_plan(plan), nl=False)
    click.echo(f"\nscript: SHA-256 {plan.script_sha256}, as `hpcrun render` prints it")
    click.echo("nothing was submitted (--dry-run)")


def _show_result(result: SubmitResult, *, as_json: bool) -> None:
    from hpcrun.cli.wire import handle_of
    from hpcrun.report.runs import format_submitted

    if as_json:
        click.echo(result.model_dump_json(indent=2))
    else:
        click.echo(format_submitted(result, handle=handle_of(result.folder)))


def _seconds(timeout: str | None) -> int | None:
    from hpcrun.errors import InputError, UsageError
    from hpcrun.units import parse_duration_s

    if timeout is None:
        return None
    try:
        return parse_duration_s(timeout)
    except InputError as exc:
        raise UsageError(f"`--timeout`: {exc.message}", help=exc.help) from exc
