"""The verdicts on starting an image's programs on the nodes at all; nothing of launchers or PMI."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from hpcrun.compat.architecture import check_native
from hpcrun.compat.container import check_container, check_targets
from hpcrun.compat.emulation import check_emulated_gpu
from hpcrun.compat.handlers import check_emulated
from hpcrun.compat.microarchitecture import check_processor
from hpcrun.compat.namespaces import check_image_mounts, check_namespaces
from hpcrun.compat.pmi import PmiClient
from hpcrun.compat.shared_memory import check_shared_memory
from hpcrun.model.image import MpiLibrary
from hpcrun.model.verdict import Verdict
from hpcrun.planner.candidates import Execution, Shape
from hpcrun.planner.question import Question


def judge_programs(question: Question, shape: Shape) -> tuple[Verdict, ...]:
    """Judge running an image's programs on the nodes of a job."""
    facts, site, classes = question.images[shape.image_arch], question.site, question.classes
    if shape.execution == "emulated":
        emulated = check_emulated(facts, site, classes)
        if emulated.refuses:
            return (emulated,)
        gpus = question.job.resources.gpus_per_node
        return (emulated, check_emulated_gpu(facts, gpus_per_node=gpus))
    native = check_native(facts, site, classes)
    if native.refuses:
        return (native,)
    return (native, *check_processor(facts, site, classes))


def judge_containers(question: Question, shape: Shape) -> Iterator[Verdict]:
    """Judge starting the containers of a candidate, whatever is in the image."""
    facts, site = question.images[shape.image_arch], question.site
    if not site.runtime.is_supported:
        return
    containers = 1 if shape.model == "contained" else question.ranks_per_node
    yield check_namespaces(site, question.classes, ranks_per_node=containers)
    yield check_image_mounts(site, kind=facts.kind, ranks_per_node=containers)
    yield from check_container(facts, site)
    mounts = (mount.container for mount in question.job.mounts)
    yield check_targets(site, (PurePosixPath(question.job.workdir), *mounts))


def judge_memory(
    question: Question, library: MpiLibrary, client: PmiClient, *, execution: Execution
) -> Verdict:
    """Judge the memory that ranks of one node share, each in a container of its own."""
    return check_shared_memory(
        library,
        client.found,
        question.site,
        question.classes,
        ranks_per_node=question.ranks_per_node,
        env=question.job.env,
        is_emulated=execution == "emulated",
    )
