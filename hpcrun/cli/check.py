"""`hpcrun check`: everything about a job, an image or a script at once; submits nothing."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hpcrun.cli.run_options import allow_option, json_option, parse_allows
from hpcrun.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpcrun.app.check import CheckedSite
    from hpcrun.app.input_kind import Kind
    from hpcrun.model.check import Check
    from hpcrun.model.memory import Memory

_ALL = "all"


@click.command("check")
@click.argument("path", metavar="JOB|IMAGE|SCRIPT", type=click.Path(path_type=Path))
@click.option(
    "--site",
    "sites",
    multiple=True,
    help="Name of a site, or path of its profile; may be given again. `all` is every site.",
)
@allow_option
@click.option(
    "--passport",
    type=click.Path(path_type=Path),
    help="Take the image's passport from this file instead of reading the image.",
)
@click.option("--verbose", is_flag=True, help="Print every line of evidence.")
@json_option
@click.option("--sarif", "as_sarif", is_flag=True, help="Print as SARIF 2.1.0.")
@click.pass_context
def command(  # noqa: PLR0913  one parameter per option
    context: click.Context,
    path: Path,
    *,
    sites: tuple[str, ...],
    allows: tuple[str, ...],
    passport: Path | None,
    verbose: bool,
    as_json: bool,
    as_sarif: bool,
) -> None:
    """Say all that can be said of a job file, an image or an sbatch script, for every site.

    Which of them it is, its content tells. Without --site a job is checked at the site that it
    names, and all others where we stand. Nothing is run; what could not be checked for lack of a
    fact is listed. Ends with 1 where it would not run at one of the sites.
    """
    from datetime import UTC, datetime

    from hpcrun.app.check import Means, check
    from hpcrun.app.input_kind import find_kind
    from hpcrun.cli.wire_cache import facts_cache

    if as_json and as_sarif:
        raise UsageError("`--json` and `--sarif` exclude each other", help=("name one of them",))
    kind = find_kind(path)
    memory = facts_cache()
    means = Means(
        environment=os.environ,
        today=datetime.now(UTC).date(),
        memory=memory,
        passport=passport,
        allows=parse_allows(allows),
    )
    made = check(path, tuple(_find_sites(path, kind, sites, memory)), means, kind=kind)
    _show(made, as_json=as_json, as_sarif=as_sarif, is_verbose=verbose)
    context.exit(ExitCode.OK if made.is_sound else ExitCode.REFUSED)


def _show(made: "Check", *, as_json: bool, as_sarif: bool, is_verbose: bool) -> None:
    if as_json:
        click.echo(made.model_dump_json(indent=2))
    elif as_sarif:
        import json

        from hpcrun.report.sarif import check_to_sarif

        click.echo(json.dumps(check_to_sarif(made), indent=2))
    else:
        from hpcrun.report.check import format_check
        from hpcrun.report.terminal import wants_colour

        colour = wants_colour(sys.stdout, os.environ)
        click.echo(format_check(made, colour=colour, is_verbose=is_verbose), nl=False)


def _find_sites(
    path: Path, kind: "Kind", names: tuple[str, ...], memory: "Memory | None"
) -> "Iterator[CheckedSite]":
    """Yield the sites asked for; without any, the job's own or the one where we stand."""
    from hpcrun.site import identify_site

    if not names:
        own = _site_of_job(path) if kind == "job" else None
        yield identify_site(own, environment=os.environ, memory=memory)
    for name in dict.fromkeys(names):
        if name == _ALL:
            yield from _all_sites(memory)
        else:
            yield identify_site(name, environment=os.environ, memory=memory)


def _site_of_job(path: Path) -> str:
    from hpcrun.loading import load_job

    return load_job(path).submit.site


def _all_sites(memory: "Memory | None") -> "Iterator[CheckedSite]":
    """Yield every site that can be named, also those whose profiles are broken."""
    from hpcrun.app.check import BrokenSite
    from hpcrun.errors import HpcrunError
    from hpcrun.site import identify_site
    from hpcrun.site.folders import list_profiles, profile_folders

    for name, path in sorted(list_profiles(profile_folders(os.environ)).items()):
        try:
            yield identify_site(name, environment=os.environ, memory=memory)
        except HpcrunError as error:
            yield BrokenSite(name, path, error.message)
