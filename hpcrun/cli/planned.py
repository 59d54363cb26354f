"""Job file and site → plan, for the commands that begin with one; does not print."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from hpcrun.cli.run_options import allow_option, parse_allows, site_option
from hpcrun.cli.wire_cache import facts_cache
from hpcrun.loading import Positions
from hpcrun.model.diagnostic import Diagnostic
from hpcrun.model.image import ImageFacts
from hpcrun.model.job import Job
from hpcrun.model.plan import Plan
from hpcrun.model.site import Site

F = TypeVar("F", bound=Callable[..., Any])


class PlannedFile(NamedTuple):
    """A plan, with what it was made from."""

    plan: Plan
    job: Job
    job_text: str
    site: Site
    profile: Path
    passports: dict[str, ImageFacts]
    positions: Positions
    warnings: tuple[Diagnostic, ...]
    """About the choice of the site."""


def planning_options(function: F) -> F:
    """Give a command the arguments that `plan_file` takes."""
    passport = click.option(
        "--passport",
        type=click.Path(path_type=Path),
        help="Take the image's passport from this file instead of reading the image.",
    )
    argument = click.argument("job_file", metavar="JOB", type=click.Path(path_type=Path))
    return argument(site_option(allow_option(passport(function))))


def plan_file(
    job_file: Path,
    *,
    site: str | None,
    allows: tuple[str, ...] = (),
    passport: Path | None = None,
) -> PlannedFile:
    """Plan a job file at the site that is asked for, or that the job names, or where we stand."""
    from hpcrun.app.passports import load_passport, read_passports
    from hpcrun.app.plan import plan
    from hpcrun.loading import load_job_with_positions
    from hpcrun.site import identify_site

    job, positions = load_job_with_positions(job_file)
    job = job.model_copy(update={"allow": (*job.allow, *parse_allows(allows))})
    memory = facts_cache()
    found = identify_site(site or job.submit.site, environment=os.environ, memory=memory)
    passports = (
        read_passports(job, site=found.site, memory=memory)
        if passport is None
        else load_passport(passport, job)
    )
    today = datetime.now(UTC).date()
    decided = plan(job, found.site, positions=positions, passports=passports, today=today)
    return PlannedFile(
        plan=decided,
        job=job,
        job_text=positions.text,
        site=found.site,
        profile=found.path,
        passports=passports,
        positions=positions,
        warnings=found.warnings,
    )
