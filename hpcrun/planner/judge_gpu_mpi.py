"""What a question raises about an MPI and GPU memory; does not judge it."""

from collections.abc import Iterator

from hpcrun.compat.fabric_parts import MpiHolder
from hpcrun.compat.gpu_mpi import GTL_SWITCH, check_gpu_memory, check_gtl
from hpcrun.compat.gpu_nodes import gpu_nodes, join
from hpcrun.model.verdict import Verdict
from hpcrun.planner.question import Question


def judge_gpu_mpi(question: Question, holder: MpiHolder) -> Iterator[Verdict]:
    """Judge an MPI library on GPU memory."""
    job = question.job
    if GTL_SWITCH in job.env:
        stack = question.site.mpi_stacks.get(holder.stack_name)
        implementation = stack.implementation if stack else holder.library.implementation
        yield check_gtl(holder, implementation=implementation, env=job.env)
    if job.resources.gpus_per_node and question.n_tasks > 1:
        every = gpu_nodes(question.site, question.classes)
        yield from join((nodes, check_gpu_memory(holder, nodes)) for nodes in every)
