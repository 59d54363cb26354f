"""Use case: would an MPI job run from an image at a site; reads the image, runs nothing.

The job that is asked about has two tasks on two nodes and an MPI program of the image, if there is
one. What only a job file can say (account, folders, limits) is left out of the answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hpcrun.app.passports import load_passport, read_stacks
from hpcrun.app.plan import decide
from hpcrun.model.base import is_known
from hpcrun.model.check import Check, SiteCheck
from hpcrun.model.diagnostic import Diagnostic
from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.model.job import Allow, Image, ImageRef, Job, Resources, Submit
from hpcrun.model.plan import Plan
from hpcrun.model.site import Site
from hpcrun.site.identify import FoundSite
from hpcrun.tables import architectures, rules

if TYPE_CHECKING:
    from hpcrun.app.check import Means

_NODES = 2
_PARTITIONS_MAX = 6
_OF_A_JOB = frozenset(("submit", "resources", "workdir", "mounts", "env", "gate", "allow"))
_PROGRAM_FOLDERS = ("bin", "sbin")
_WITHOUT = "/bin/true"


def check_image(path: Path, sites: Sequence[FoundSite], means: "Means") -> Check:
    """Check an image at every site."""
    from hpcrun.image import read_image

    if means.passport is not None:
        (facts,) = load_passport(means.passport, _job(path, _WITHOUT, None)).values()
    else:
        facts = read_image(path, memory=means.memory)
    program = find_mpi_program(facts)
    if means.passport is None and program is not None:
        facts = read_image(path, command=(program,), memory=means.memory)
    done = tuple(_at(found, path, facts, program, means) for found in sites)
    return Check(kind="image", input=str(path), about=_about(facts, program), sites=done)


def find_mpi_program(facts: ImageFacts) -> str | None:
    """Return a program of the image that uses MPI, one on the search path first."""
    own = [user.path for user in facts.mpi_users if user.needed != "run time"]
    programs = [path for path in own if not _is_library(path)]
    return min(programs, key=lambda path: (not _is_on_path(path), path), default=None)


def _is_library(path: str) -> bool:
    return ".so" in PurePosixPath(path).suffixes


def _is_on_path(path: str) -> bool:
    return PurePosixPath(path).parent.name in _PROGRAM_FOLDERS


def _job(path: Path, program: str, site: Site | None) -> Job:
    file = path.absolute()
    shared = site.filesystems.shared if site is not None else ()
    folder = shared[0] if is_known(shared) and shared else file.parent
    return Job(
        version=1,
        name="image",
        image=Image(any_arch=ImageRef(ref=str(file))),
        command=(program,),
        resources=Resources(nodes=_NODES, tasks=_NODES),
        workdir=folder,
        file=file,
    )


def _partitions(site: Site) -> tuple[str | None, ...]:
    """Return the partitions to ask about, the default first, one of each kind of nodes."""
    by_nodes: dict[tuple[str, ...], str] = {}
    ordered = sorted(site.partitions.items(), key=lambda item: not item[1].default)
    for name, partition in ordered:
        limits = (partition.nodes, partition.nodes_max)
        is_small = any(isinstance(limit, int) and limit < _NODES for limit in limits)
        if not is_small:
            by_nodes.setdefault(partition.node_classes, name)
    return tuple(by_nodes.values())[:_PARTITIONS_MAX] or (None,)


def _at(
    found: FoundSite, path: Path, facts: ImageFacts, program: str | None, means: "Means"
) -> SiteCheck:
    """Take the first partition where it would run; where there is none, tell of the first."""
    stacks = read_stacks(found.site)
    job = _job(path, program or _WITHOUT, found.site)
    plans: list[Plan] = []
    for name in _partitions(found.site):
        asked = job.model_copy(update={"submit": Submit(partition=name)})
        plans.append(_decide(asked, found.site, facts, stacks, means))
        if plans[-1].chosen is not None:
            break
    first = plans[-1] if plans[-1].chosen is not None else plans[0]
    told = [*found.warnings, *(d for d in first.diagnostics if not is_of_a_job(d))]
    return SiteCheck(
        site=found.site.name,
        profile=found.path,
        partition=first.layout.partition,
        chosen=first.chosen,
        diagnostics=tuple(_at_image(told, path)),
        skipped=first.skipped,
    )


def _decide(
    job: Job, site: Site, facts: ImageFacts, stacks: Mapping[str, StackFacts], means: "Means"
) -> Plan:
    """Plan; where what only a job file can mend refuses it, plan again without that."""
    passports = {architectures().oci_of(facts.arch): facts}
    job = job.model_copy(update={"allow": means.allows})
    made = decide(job, site, passports=passports, stacks=stacks, today=means.today)
    codes = dict.fromkeys(d.code for d in made.diagnostics if d.refuses and is_of_a_job(d))
    leave = tuple(Allow(rule=c, because="no image says it") for c in codes if rules()[c].allowable)
    if not leave:
        return made
    job = job.model_copy(update={"allow": (*means.allows, *leave)})
    return decide(job, site, passports=passports, stacks=stacks, today=means.today)


def is_of_a_job(diagnostic: Diagnostic) -> bool:
    """Whether a job file decides it, and no image."""
    rule = rules()[diagnostic.code]
    is_of_plan = rule.made_by == "planner" and rule.key != "submit.site"
    is_wish = (rule.key or "").split(".")[0] in _OF_A_JOB
    return (is_of_plan and is_wish) or rule.name == "non-shared-image"


def _at_image(found: Iterable[Diagnostic], path: Path) -> Iterable[Diagnostic]:
    for one in found:
        place = one.location
        if place is not None and place.line is None:
            yield one.model_copy(update={"location": place.model_copy(update={"file": str(path)})})
        else:
            yield one


def _about(facts: ImageFacts, program: str | None) -> tuple[str, ...]:
    """Say what the image is, in a few lines."""
    from hpcrun.app.image_summary import summarise_image

    return summarise_image(facts, program)
