"""Use case: all that can be said of a job, an image or a script at several sites; submits none."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from hpcrun.app.input_kind import Kind, find_kind
from hpcrun.app.passports import load_passport, read_passports
from hpcrun.app.plan import decide
from hpcrun.errors import HpcrunError
from hpcrun.loading import Positions
from hpcrun.model.check import Check, SiteCheck
from hpcrun.model.diagnostic import Diagnostic
from hpcrun.model.image import ImageFacts
from hpcrun.model.job import Allow, Job
from hpcrun.model.memory import Memory
from hpcrun.model.plan import Plan
from hpcrun.site.identify import FoundSite


class BrokenSite(NamedTuple):
    """A site whose profile cannot be used."""

    name: str
    path: Path
    problem: str


CheckedSite = FoundSite | BrokenSite


class Means(NamedTuple):
    """What a check may use besides its input."""

    environment: Mapping[str, str]
    """Of who asks; only names of folders are taken from it."""
    today: date | None = None
    memory: Memory | None = None
    """Where facts read earlier are, and these may be kept."""
    passport: Path | None = None
    """Instead of reading the image."""
    allows: tuple[Allow, ...] = ()


def check(
    path: Path, sites: Sequence[CheckedSite], means: Means, *, kind: Kind | None = None
) -> Check:
    """Check an input at every site.

    What cannot be read raises, with all that is known of the input by then.
    """
    kind = kind or find_kind(path)
    if kind == "script":
        return _check_script(path, sites, means)
    if kind == "image":
        from hpcrun.app.check_image import check_image

        usable = [site for site in sites if isinstance(site, FoundSite)]
        made = check_image(path, usable, means)
        return made.model_copy(update={"sites": _in_order(sites, made.sites)})
    return _check_job(path, sites, means)


def _in_order(sites: Sequence[CheckedSite], done: Iterable[SiteCheck]) -> tuple[SiteCheck, ...]:
    """Put those in between that cannot be used."""
    pending = iter(done)
    return tuple(_broken(each) if isinstance(each, BrokenSite) else next(pending) for each in sites)


def _broken(site: BrokenSite) -> SiteCheck:
    return SiteCheck(site=site.name, profile=site.path, problem=site.problem)


def _check_job(path: Path, sites: Sequence[CheckedSite], means: Means) -> Check:
    from hpcrun.loading import load_job_with_positions

    job, positions = load_job_with_positions(path)
    job = job.model_copy(update={"allow": (*job.allow, *means.allows)})
    passports = _passports(job, means)
    done = [_at(site, job, positions, passports, means) for site in sites]
    return Check(kind="job", input=str(path), sites=tuple(each for each, _ in done))


def _passports(job: Job, means: Means) -> dict[str, ImageFacts]:
    if means.passport is not None:
        return load_passport(means.passport, job)
    return read_passports(job, memory=means.memory)


def _at(
    found: CheckedSite,
    job: Job,
    positions: Positions | None,
    passports: dict[str, ImageFacts],
    means: Means,
) -> tuple[SiteCheck, Plan | None]:
    if isinstance(found, BrokenSite):
        return _broken(found), None
    made = decide(job, found.site, positions=positions, passports=passports, today=means.today)
    return site_check(found, made), made


def site_check(found: FoundSite, made: Plan, more: Iterable[Diagnostic] = ()) -> SiteCheck:
    """Return what a plan says of a site."""
    return SiteCheck(
        site=found.site.name,
        profile=found.path,
        partition=made.layout.partition,
        chosen=made.chosen,
        diagnostics=(*found.warnings, *made.diagnostics, *more),
        skipped=made.skipped,
    )


def _check_script(path: Path, sites: Sequence[CheckedSite], means: Means) -> Check:
    """Check the job of a script, and the script as it stands."""
    from hpcrun.planner import mark_allowed
    from hpcrun.rules import add_help
    from hpcrun.sbatch import check_script, check_script_at, read_job

    script = read_job(path, means.environment)
    own = mark_allowed(add_help(check_script(script)), means.allows)
    used = {d.code for d in own if d.allowed_because is not None}
    allows = tuple(a for a in means.allows if a.rule not in used and not _is_of_scripts(a.rule))
    job = script.job.model_copy(update={"allow": allows})
    try:
        passports = _passports(job, means)
    except HpcrunError as error:
        raise _with(error, own) from error
    done = []
    for found in sites:
        at, made = _at(found, job, script.positions, passports, means)
        if isinstance(found, FoundSite) and made is not None:
            more = mark_allowed(add_help(check_script_at(script, found.site, made)), means.allows)
            at = site_check(found, made, more)
        done.append(at)
    return Check(kind="script", input=str(path), diagnostics=own, sites=tuple(done))


def _is_of_scripts(code: str) -> bool:
    from hpcrun.tables import rules

    rule = rules().get(code)
    return rule is not None and rule.made_by == "sbatch"


def _with(error: HpcrunError, found: tuple[Diagnostic, ...]) -> HpcrunError:
    """Return an error that tells what is known besides."""
    told = (*found, *error.diagnostics)
    return type(error)(error.message, help=error.help, diagnostics=told)
