"""The verdicts on how ranks are started and find each other; looks at no library's soname."""

from collections.abc import Iterator

from hpcrun.compat.intel_pmi import check_pmi_library
from hpcrun.compat.launch import check_inner_launcher
from hpcrun.compat.pmi import PmiClient, check_pmi
from hpcrun.compat.process_manager import (
    Manager,
    check_daemons,
    check_launcher_there,
    check_managed,
)
from hpcrun.compat.release_fault import check_release_fault
from hpcrun.model.image import MpiLibrary
from hpcrun.model.verdict import Verdict
from hpcrun.planner.candidates import Shape
from hpcrun.planner.managers import image_manager
from hpcrun.planner.question import Question
from hpcrun.tables.release_faults import release_faults


def check_start(
    question: Question, shape: Shape, client: PmiClient | None, manager: Manager | None
) -> Iterator[Verdict]:
    """Judge starting ranks of a library by the host's launcher; the launcher alone without one.

    `manager` is what mpirun or mpiexec of the candidate's host stack starts ranks with; None under
    srun, and where the stack has no such launcher.
    """
    if client is not None and release_faults().of(client.make, client.version, client.device):
        yield check_release_fault(
            client,
            question.site,
            question.classes,
            n_nodes=question.job.resources.nodes,
            n_ranks=question.n_tasks,
            job_env=question.job.env,
        )
    if shape.srun_mpi is not None:
        if client is not None:
            yield check_pmi(client, shape.srun_mpi, question.site)
            if client.implementation == "intel-mpi":
                yield _check_pmi_library(question, shape, client)
        return
    stack = shape.mpi_stack if manager is not None else None
    yield check_launcher_there(question.site, shape.launcher, stack)
    if client is not None and manager is not None:
        yield check_managed(client, manager)
        yield check_daemons(manager, question.site, n_nodes=question.job.resources.nodes)


def _check_pmi_library(question: Question, shape: Shape, client: PmiClient) -> Verdict:
    job, image = question.job, question.images[shape.image_arch]
    environments = (("the job", job.env), ("the image", image.container.environment))
    stack = question.site.mpi_stacks.get(shape.mpi_stack or "")
    shown = [str(mount.container) for mount in job.mounts]
    shown += [str(stack.prefix)] if stack and stack.prefix else []
    return check_pmi_library(client, environments, shown)


def check_contained(
    question: Question, shape: Shape, library: MpiLibrary, client: PmiClient
) -> Iterator[Verdict]:
    """Judge starting ranks of a library by the image's own launcher, inside one container."""
    facts = question.images[shape.image_arch]
    n_nodes = question.job.resources.nodes
    inner = check_inner_launcher(facts, library, shape.launcher, n_nodes=n_nodes)
    yield inner
    if inner.refuses:
        return
    manager = image_manager(question, shape.image_arch, library, shape.launcher)
    yield check_managed(client, manager)
