"""Use case: would an MPI job run from an image at a site; reads the image, runs nothing.

The job that is asked about has two tasks on two nodes and an MPI program of the image, if there is
one. What only a job file can say (account, folders, limits) is left out of the answer.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hpcrun.app.passports import load_passport, read_stacks
from hpcrun.app.plan import decide
from hpcrun.model.base import is_known
from hpcrun.model.check import Check, SiteCheck
from hpcrun.model.diagnostic import Diagnostic
from hpcrun.model.image import ImageFacts
from hpcrun.model.job import Allow, Image, ImageRef, Job, Resources, Submit
from hpcrun.model.site import Site
from hpcrun.site.identify import FoundSite
from hpcrun.tables import architectures, rules

if TYPE_CHECKING:
    from hpcrun.app.check import Means

_NODES = 2
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
        submit=Submit(partition=_partition(site)),
        file=file,
    )


def _partition(site: Site | None) -> str | None:
    """Take the partition that a job gets, else the first: an image says nothing about it."""
    if site is None or site.default_partition or not site.partitions:
        return None
    return next(iter(site.partitions))


def _at(
    found: FoundSite, path: Path, facts: ImageFacts, program: str | None, means: "Means"
) -> SiteCheck:
    """Plan; where what only a job file can mend refuses it, plan again without that."""
    site = found.site
    job = _job(path, program or _WITHOUT, site)
    passports = {architectures().oci_of(facts.arch): facts}
    job = job.model_copy(update={"allow": means.allows})
    stacks = read_stacks(site)
    made = decide(job, site, passports=passports, stacks=stacks, today=means.today)
    codes = dict.fromkeys(d.code for d in made.diagnostics if d.refuses and is_of_a_job(d))
    leave = tuple(Allow(rule=c, because="no image says it") for c in codes if rules()[c].allowable)
    if leave:
        job = job.model_copy(update={"allow": (*means.allows, *leave)})
        made = decide(job, site, passports=passports, stacks=stacks, today=means.today)
    told = [*found.warnings, *(d for d in made.diagnostics if not is_of_a_job(d))]
    return SiteCheck(
        site=site.name,
        profile=found.path,
        chosen=made.chosen,
        diagnostics=tuple(_at_image(told, path)),
        skipped=made.skipped,
    )


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
