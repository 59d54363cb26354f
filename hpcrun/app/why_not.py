"""Use case: why a way to run a job was not chosen, and what would change that; prints nothing."""

from collections.abc import Mapping, Sequence

from hpcrun.app.passports import read_passports, read_stacks
from hpcrun.errors import UsageError
from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.model.job import Job
from hpcrun.model.site import Site
from hpcrun.model.why_not import WhyNot
from hpcrun.planner import plan_job
from hpcrun.planner.question import gather
from hpcrun.planner.why_not import why_not as explain_candidates


def why_not(
    words: Sequence[str],
    job: Job,
    site: Site,
    *,
    passports: Mapping[str, ImageFacts] | None = None,
    stacks: Mapping[str, StackFacts] | None = None,
) -> WhyNot:
    """Explain the candidates that have all these words: a model, launcher, type, stack, ….

    Each set of changes that is named was carried out on the facts and judged anew.
    """
    images = read_passports(job, site=site) if passports is None else passports
    known = read_stacks(site) if stacks is None else stacks
    try:
        answers = explain_candidates(gather(job, site, images, known), words)
    except ValueError as error:
        raise UsageError(str(error)) from error
    chosen = plan_job(job, site, images, known).chosen
    return WhyNot(
        job=job.name,
        site=site.name,
        asked=" ".join(words),
        chosen=chosen.model_copy(update={"grounds": ()}) if chosen else None,
        answers=answers,
    )
