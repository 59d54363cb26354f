"""Use case: plan a job at a site; does not submit, write or print."""

from collections.abc import Mapping
from datetime import date

from hpcrun.app.passports import missing_sources, read_passports, read_stacks
from hpcrun.loading import Positions
from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.model.job import Job
from hpcrun.model.plan import Plan
from hpcrun.model.site import Site
from hpcrun.planner import plan_job
from hpcrun.rules import advise


def plan(  # noqa: PLR0913  all that a plan is made from
    job: Job,
    site: Site,
    *,
    positions: Positions | None = None,
    passports: Mapping[str, ImageFacts] | None = None,
    stacks: Mapping[str, StackFacts] | None = None,
    today: date | None = None,
) -> Plan:
    """Plan a job at a site, down to the digest of its script.

    `passports` (by OCI architecture name) and `stacks` (by name in the profile) are read where they
    are not given; `positions` let diagnostics name lines of the job file; without `today` nothing
    is said about the profile's age. A job that cannot be planned is refused by the plan
    (`Plan.is_refused`); what cannot be read raises.
    """
    from hpcrun.render import script_sha256

    advised = decide(
        job, site, positions=positions, passports=passports, stacks=stacks, today=today
    )
    if advised.is_refused:
        return advised
    return advised.model_copy(update={"script_sha256": script_sha256(advised)})


def decide(  # noqa: PLR0913  all that a plan is made from
    job: Job,
    site: Site,
    *,
    positions: Positions | None = None,
    passports: Mapping[str, ImageFacts] | None = None,
    stacks: Mapping[str, StackFacts] | None = None,
    today: date | None = None,
) -> Plan:
    """Plan a job without rendering its script, which takes longer than all else."""
    decided = plan_job(
        job,
        site,
        read_passports(job, site=site) if passports is None else passports,
        read_stacks(site) if stacks is None else stacks,
        missing=missing_sources(job, site),
        today=today,
    )
    return advise(decided, job=job, site=site, positions=positions)
