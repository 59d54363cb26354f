"""Help and places for the diagnostics of a plan; does not find faults."""

import shlex
from collections.abc import Iterable, Mapping

from hpcrun.loading import Positions
from hpcrun.model.base import is_known
from hpcrun.model.diagnostic import Confidence, Diagnostic, Help, Location, Role
from hpcrun.model.job import Job
from hpcrun.model.plan import Candidate, Plan
from hpcrun.model.site import Site
from hpcrun.model.verdict import Answer
from hpcrun.planner import UNKNOWN_NOTE, is_wished
from hpcrun.tables import architectures, rules


def advise(plan: Plan, *, job: Job, site: Site, positions: Positions | None) -> Plan:
    """Return the plan with help and places in its diagnostics."""
    words = help_words(plan, job=job, site=site)
    alternative = _alternative(plan, job)
    advised = []
    for diagnostic in plan.diagnostics:
        helps = _helps(diagnostic, words)
        if diagnostic.code == "HPR110" and site.scheduler.kind == "none":
            helps = (_by_hand(plan, site), *helps)
        if alternative is not None and rules()[diagnostic.code].key in ("mpi", "execution"):
            helps = (alternative, *helps)
        place = _place(diagnostic, job=job, positions=positions)
        advised.append(diagnostic.model_copy(update={"help": helps, "location": place}))
    return plan.model_copy(update={"diagnostics": tuple(sorted(advised, key=_order))})


def add_help(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return diagnostics that are not about a job, with the help of their rules."""
    return tuple(one.model_copy(update={"help": _helps(one, {})}) for one in diagnostics)


def _helps(diagnostic: Diagnostic, words: Mapping[str, str]) -> tuple[Help, ...]:
    rule = rules()[diagnostic.code]
    is_unknown = UNKNOWN_NOTE in diagnostic.notes
    rows = (rule.help_unknown if is_unknown else ()) or rule.help
    return tuple(
        Help(text=row.text.format_map(words), role=row.role, confidence=row.confidence)
        for row in sorted(rows, key=lambda row: list(Role).index(row.role))
    )


def help_words(plan: Plan, *, job: Job, site: Site) -> dict[str, str]:
    """Return what fills the words that helps leave open."""
    partition = site.partitions.get(plan.layout.partition or "")
    names = partition.node_classes if partition else tuple(site.node_classes)
    classes = [site.node_classes[name] for name in names if name in site.node_classes]
    archs = list(dict.fromkeys(c.arch for c in classes if is_known(c.arch)))
    types, shared = site.scheduler.mpi_types, site.filesystems.shared
    return {
        "mpi_types": _listed(types) if is_known(types) else "unknown types",
        "n_tasks": str(job.resources.n_tasks),
        "node_archs": " or ".join(archs) or "the nodes' processors",
        "node_oci": architectures().oci_of(archs[0]) if archs else "amd64",
        "partitions": _listed(site.partitions) if site.partitions else "the site's partitions",
        "runtime_request": site.runtime.request or "ask the site",
        "shared": _listed(map(str, shared)) if is_known(shared) else "the shared folders",
        "stacks": _listed(site.mpi_stacks),
    }


def _by_hand(plan: Plan, site: Site) -> Help:
    """Say what works where there is no scheduler: one machine, ranks inside one container."""
    command = shlex.join(plan.argv)
    ranks = f"mpirun -n {plan.layout.tasks} " if plan.layout.tasks > 1 else ""
    text = (
        f"start it by hand in one machine, with the image's own MPI: "
        f"`{site.runtime.command} exec {plan.image.path.name} {ranks}{command}`"
    )
    return Help(text=text, confidence=Confidence.LIKELY)


def _alternative(plan: Plan, job: Job) -> Help | None:
    """Name a compatible way that only the job's own wishes leave out."""
    fitting = [c for c in plan.candidates if c.verdict is Answer.COMPATIBLE]
    if not fitting or any(is_wished(job, candidate) for candidate in fitting):
        return None
    wish = _wish(fitting[0])
    if job.execution not in ("auto", fitting[0].execution):
        wish += f" and `execution: {fitting[0].execution}`"
    return Help(text=f"use {wish}, which would work", confidence=Confidence.SURE)


def _wish(candidate: Candidate) -> str:
    if candidate.model == "none":
        return "`mpi: none`"
    return f"`mpi: {{model: {candidate.model}, pmi: {candidate.srun_mpi}}}`"


def _place(diagnostic: Diagnostic, *, job: Job, positions: Positions | None) -> Location:
    key = rules()[diagnostic.code].key
    found = positions.nearest(key) if positions is not None and key is not None else None
    return found or Location(file=str(job.file))


def _order(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    place = diagnostic.location
    if place is None:
        return ("", 0, 0, diagnostic.code)
    return (place.file, place.line or 0, place.column or 0, diagnostic.code)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words) or "none"
