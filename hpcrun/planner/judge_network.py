"""What a question raises about the network between nodes; does not judge it, nor choose."""

from collections.abc import Iterator

from hpcrun.compat.emulation import check_emulated_network
from hpcrun.compat.fabric import check_fabric, check_network_known, check_unread_stack
from hpcrun.compat.fabric_choice import check_choice, check_collectives
from hpcrun.compat.fabric_parts import MpiHolder, check_libfabric, check_ucx
from hpcrun.model.image import MpiLibrary, StackFacts
from hpcrun.model.verdict import Verdict
from hpcrun.planner.question import Question

_PATHS = frozenset({"LD_LIBRARY_PATH", "FI_PROVIDER_PATH", "LD_PRELOAD"})
"""Variables by which a job makes its MPI find network libraries that the image does not have."""
_PLUGIN_PATHS = frozenset({*_PATHS, "NCCL_NET_PLUGIN"})


def judge_image_network(
    question: Question, arch: str, library: MpiLibrary, execution: str
) -> Iterator[Verdict]:
    """Judge one MPI library of an image on the nodes' network."""
    holder = MpiHolder(question.images[arch], library)
    yield check_libfabric(holder)
    if _is_on_one_node(question):
        return
    yield check_network_known(question.site, question.classes)
    if execution == "emulated":
        yield check_emulated_network(question.site, question.classes)
        return
    yield check_fabric(
        holder,
        question.site,
        question.classes,
        may_be_brought=_may_be_brought(question, arch),
        env=question.job.env,
    )
    yield check_ucx(holder)
    yield _check_choice(question, arch)


def judge_stack_network(
    question: Question,
    arch: str,
    name: str,
    library: MpiLibrary | None,
    stack: StackFacts | None,
) -> Iterator[Verdict]:
    """Judge a host stack on the nodes' network; of its own site it is not refused."""
    if library is None or stack is None:
        if not _is_on_one_node(question):
            yield check_unread_stack(name, question.site, question.classes)
        return
    holder = MpiHolder(question.images[arch], library, name, stack)
    yield check_libfabric(holder)
    if _is_on_one_node(question):
        return
    yield check_network_known(question.site, question.classes)
    yield check_fabric(
        holder, question.site, question.classes, may_be_brought=True, env=question.job.env
    )
    yield _check_choice(question, arch)


def judge_collectives(question: Question, arch: str) -> Iterator[Verdict]:
    """Judge what GPUs of different nodes talk over, where there are any."""
    if _is_on_one_node(question) or not question.job.resources.gpus_per_node:
        return
    facts = question.images[arch]
    is_brought = _may_be_brought(question, arch) or bool(_PLUGIN_PATHS & set(question.job.env))
    yield check_collectives(facts, question.site, question.classes, may_be_brought=is_brought)


def _check_choice(question: Question, arch: str) -> Verdict:
    image = question.images[arch].container.environment
    return check_choice(question.job.env, image, question.site, question.classes)


def _is_on_one_node(question: Question) -> bool:
    return question.job.resources.nodes < 2  # noqa: PLR2004


def _may_be_brought(question: Question, arch: str) -> bool:
    """Whether something beside what was read may bring libraries that seem to lack."""
    job = question.job
    return not question.images[arch].is_complete or bool(job.mounts or _PATHS & set(job.env))
