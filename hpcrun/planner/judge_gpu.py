"""What a question raises about GPUs; does not judge it, nor choose."""

from collections.abc import Callable, Iterator

from hpcrun.compat.gpu import check_software, check_unasked, check_vendor
from hpcrun.compat.gpu_code import check_code
from hpcrun.compat.gpu_container import check_c_library, check_requirement, check_search_path
from hpcrun.compat.gpu_driver import check_cuda, check_rocm
from hpcrun.compat.gpu_nodes import GpuNodes, check_known, gpu_nodes, join
from hpcrun.model.verdict import Verdict
from hpcrun.planner.judge_network import judge_collectives
from hpcrun.planner.question import Question


def judge_gpus(question: Question, arch: str, execution: str) -> Iterator[Verdict]:
    """Judge an image on the GPUs that a job asks for, or does not."""
    facts, job = question.images[arch], question.job
    number = job.resources.gpus_per_node
    if not number:
        yield check_unasked(facts)
        return
    if execution == "emulated":
        return
    is_brought = not facts.is_complete or bool(job.mounts)
    yield check_software(facts, gpus_per_node=number, may_be_brought=is_brought)
    yield check_search_path(facts, question.site, job.env)
    yield from judge_collectives(question, arch)
    yield check_known(question.site, question.classes)
    every = gpu_nodes(question.site, question.classes)
    checks: tuple[Callable[[GpuNodes], Verdict], ...] = (
        lambda nodes: check_vendor(facts, nodes, may_be_brought=is_brought),
        lambda nodes: check_c_library(facts, nodes),
        lambda nodes: check_cuda(facts, nodes, job.env),
        lambda nodes: check_rocm(facts, nodes),
        lambda nodes: check_requirement(facts, nodes),
        lambda nodes: check_code(facts, nodes, job.env),
    )
    for check in checks:
        yield from join((nodes, check(nodes)) for nodes in every)
