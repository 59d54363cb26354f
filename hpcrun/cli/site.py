"""`hpcrun site`: what profiles say of clusters, and whether they are sound."""

import os
import sys
from typing import TYPE_CHECKING

import click

from hpcrun.cli.run_options import json_option
from hpcrun.cli.wire_cache import facts_cache
from hpcrun.errors import ExitCode
from hpcrun.report.terminal import escape

if TYPE_CHECKING:
    from hpcrun.app.validate_site import Validation
    from hpcrun.loading import Profile

_site_argument = click.argument("site", required=False)


@click.group("site")
def group() -> None:
    """Read, check and compare site profiles."""


@group.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List all sites that can be named, wherever their profiles are."""
    from hpcrun.app.sites import list_sites
    from hpcrun.report.site_values import format_sites

    found = list_sites(os.environ)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    else:
        click.echo(format_sites(found.sites), nl=False)


@group.command("show")
@_site_argument
@click.option("--resolved", is_flag=True, help="Print one YAML file that extends no other.")
@click.option("--sources", is_flag=True, help="Say where each value stands and comes from.")
@json_option
def show_command(site: str | None, *, resolved: bool, sources: bool, as_json: bool) -> None:
    """Say what the profile of SITE says; without SITE, of the one where we stand."""
    from hpcrun.report.site import format_site
    from hpcrun.report.site_values import format_leaves, resolved_yaml

    profile = _profile(site)
    if as_json:
        click.echo(profile.site.model_dump_json(indent=2))
    elif resolved:
        click.echo(resolved_yaml(profile.leaves, with_sources=sources), nl=False)
    elif sources:
        click.echo(format_leaves(profile.leaves), nl=False)
    else:
        click.echo(format_site(profile.site), nl=False)


@group.command("validate")
@click.argument("sites", nargs=-1, metavar="SITE...")
@click.option("--strict", is_flag=True, help="Take warnings for errors: each value has a source.")
@click.option("--verbose", is_flag=True, help="Print every line of evidence.")
@json_option
@click.pass_context
def validate_command(
    context: click.Context, sites: tuple[str, ...], *, strict: bool, verbose: bool, as_json: bool
) -> None:
    """Check profiles, named or as files: form, references, limits, sources, age.

    Nothing is asked of the real site. Ends with 1 where an error is found.
    """
    from datetime import UTC, datetime

    from hpcrun.app.validate_site import Validations, validate_site
    from hpcrun.site import find_profile_path

    paths = [find_profile_path(name, environment=os.environ) for name in sites or (None,)]
    today = datetime.now(UTC).date()
    done = [
        validate_site(path, environment=os.environ, today=today, is_strict=strict) for path in paths
    ]
    if as_json:
        click.echo(Validations(profiles=tuple(done)).model_dump_json(indent=2))
    else:
        _show_validations(done, is_verbose=verbose)
    context.exit(ExitCode.OK if all(one.is_sound for one in done) else ExitCode.REFUSED)


@group.command("which")
@json_option
def which_command(*, as_json: bool) -> None:
    """Say which site this is, and how hpcrun knows it."""
    from hpcrun.app.sites import WhichSite
    from hpcrun.site import identify_site

    found = identify_site(environment=os.environ, memory=facts_cache())
    if as_json:
        told = WhichSite(site=found.site.name, profile=found.path, how=found.how)
        click.echo(told.model_dump_json(indent=2))
    else:
        click.echo(escape(f"{found.site.name}: {found.how}"))
        click.echo(escape(f"profile: {found.path}"))


@group.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of profiles, for editors."""
    from hpcrun import resources

    file = resources.package_folder("schemas") / "site.json"
    click.echo(file.read_text(encoding="utf-8"), nl=False)


@group.command("diff")
@click.argument("first")
@click.argument("second")
@json_option
@click.pass_context
def diff_command(context: click.Context, first: str, second: str, *, as_json: bool) -> None:
    """Say in what two profiles differ; ends with 1 where they do."""
    from hpcrun.app.sites import diff_sites
    from hpcrun.report.site_values import format_differences

    diff = diff_sites(_profile(first), _profile(second))
    click.echo(diff.model_dump_json(indent=2) if as_json else format_differences(diff), nl=as_json)
    context.exit(ExitCode.REFUSED if diff.differences else ExitCode.OK)


def _profile(name: str | None) -> "Profile":
    from hpcrun.app.sites import open_profile
    from hpcrun.site import find_profile_path

    return open_profile(find_profile_path(name, environment=os.environ), os.environ)


def _show_validations(done: "list[Validation]", *, is_verbose: bool) -> None:
    from hpcrun.report.diagnostics import format_diagnostics
    from hpcrun.report.terminal import wants_colour

    found = [diagnostic for one in done for diagnostic in one.diagnostics]
    if found:
        colour = wants_colour(sys.stderr, os.environ)
        click.echo(f"{format_diagnostics(found, colour=colour, is_verbose=is_verbose)}\n", err=True)
    for one in done:
        click.echo(_summary(one))


def _summary(one: "Validation") -> str:
    path = escape(str(one.path))
    if not one.is_readable:
        return f"{path}: cannot be used"
    state = "sound" if one.is_sound else "not sound"
    return f"{path}: {state}, {one.n_values} values, {one.n_unknown} of them unknown"
