"""From a question to a plan: judge every candidate, choose, lay out; does not read or render."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from hpcrun.model.diagnostic import Diagnostic
from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.model.job import Job
from hpcrun.model.plan import Candidate, Layout, Plan, PlannedImage
from hpcrun.model.site import Site
from hpcrun.planner.check_libraries import check_libraries
from hpcrun.planner.checks import (
    check_command,
    check_image_file,
    check_mounts,
    check_runtime,
    check_shared_paths,
    check_site_mounts,
    check_sources,
    check_support,
    check_variables,
)
from hpcrun.planner.choose import Choice, choose
from hpcrun.planner.diagnose import apply_allows
from hpcrun.planner.environment import pinned_variables, plan_environment, plan_mounts
from hpcrun.planner.judge import judge_all
from hpcrun.planner.layout import check_layout, plan_layout
from hpcrun.planner.question import Question, gather
from hpcrun.planner.site_life import check_life
from hpcrun.planner.site_rules import check_site_rules
from hpcrun.planner.why import explain_choice


def plan_job(  # noqa: PLR0913  all that a plan is made from
    job: Job,
    site: Site,
    images: Mapping[str, ImageFacts],
    stacks: Mapping[str, StackFacts],
    *,
    missing: Sequence[Path] = (),
    today: date | None = None,
) -> Plan:
    """Plan one job at one site.

    `images` are the passports of the job's image variants by OCI architecture name, at least one;
    `stacks` those of the site's MPI stacks by name, as far as they are known; `missing` are host
    paths of the job that whoever looked did not find; without `today` nothing is said about age.
    The diagnostics carry no help yet (hpcrun.rules adds it), and the script is not rendered yet.
    """
    question = gather(job, site, images, stacks)
    choice = choose(question, judged := judge_all(question))
    layout = plan_layout(question)
    arch = choice.shape.image_arch if choice.shape else next(iter(question.images))
    found = [*choice.diagnostics, *_check(question, layout, choice, facts_of=arch)]
    found += [*check_sources(missing), *(check_life(site, today) if today is not None else ())]
    diagnostics = apply_allows(job, found)
    chosen = None if any(d.refuses for d in diagnostics) else _chosen(choice)
    return Plan(
        job=job.name,
        site=site.name,
        image=_planned_image(arch, question.images[arch]),
        chosen=chosen,
        why=explain_choice(question, choice) if chosen else (),
        candidates=tuple(judgement.candidate(shape) for shape, judgement in judged),
        diagnostics=diagnostics,
        skipped=choice.skipped,
        layout=layout,
        argv=job.argv,
        runtime_command=site.runtime.command,
        workdir=job.workdir,
        environment=plan_environment(question, layout, choice.shape, choice.judgement),
        mounts=plan_mounts(question, choice.shape),
    )


def _check(
    question: Question, layout: Layout, choice: Choice, *, facts_of: str
) -> Iterator[Diagnostic]:
    """Give every diagnostic that is not about the choice between candidates."""
    facts = question.images[facts_of]
    mounts = plan_mounts(question, choice.shape)
    yield from check_support(question)
    yield from check_layout(question, layout)
    yield from check_image_file(question.job.image, facts_of, facts)
    yield from check_command(question, facts, mounts)
    is_bind = choice.shape is not None and choice.shape.model == "bind"
    yield from check_libraries(question, facts, is_bind=is_bind)
    needed = _needed_files(facts, choice)
    yield from check_mounts(mounts, needed)
    yield from check_site_mounts(question.site, needed)
    yield from check_shared_paths(question, facts)
    yield from check_runtime(question)
    yield from check_site_rules(question, layout)
    if choice.shape and choice.judgement:
        pinned = pinned_variables(question, choice.shape, choice.judgement)
        yield from check_variables(question, pinned)


def _needed_files(facts: ImageFacts, choice: Choice) -> dict[str, str]:
    """Return the image's files without which the job cannot run, and what they are."""
    needed = {}
    if facts.program and facts.program.path and facts.program.host_path is None:
        needed[facts.program.path] = f"the program `{facts.program.argv0}`"
    library = choice.judgement.library if choice.judgement else None
    if library is not None and choice.shape and choice.shape.model == "hybrid":
        needed[library.path] = f"the MPI library `{library.soname}`"
    return needed


def _planned_image(arch: str, facts: ImageFacts) -> PlannedImage:
    return PlannedImage(
        path=facts.path,
        kind=facts.kind,
        arch=arch,
        digest=facts.digest,
        size_bytes=facts.size_bytes,
        mtime_ns=facts.mtime_ns,
    )


def _chosen(choice: Choice) -> Candidate | None:
    if choice.shape is None or choice.judgement is None:
        return None
    grounds = choice.judgement.verdict.grounds
    told = choice.judgement.candidate(choice.shape)
    return told.model_copy(update={"grounds": grounds})
