"""The verdicts on running an image's programs on the nodes at all; nothing of MPI."""

from hpcrun.compat.architecture import check_native
from hpcrun.compat.emulation import check_emulated_gpu
from hpcrun.compat.handlers import check_emulated
from hpcrun.compat.microarchitecture import check_processor
from hpcrun.model.verdict import Verdict
from hpcrun.planner.candidates import Execution
from hpcrun.planner.question import Question


def judge_machine(question: Question, arch: str, execution: Execution) -> tuple[Verdict, ...]:
    """Judge one image on the nodes of a job."""
    facts, site, classes = question.images[arch], question.site, question.classes
    if execution == "emulated":
        emulated = check_emulated(facts, site, classes)
        if emulated.refuses:
            return (emulated,)
        gpus = question.job.resources.gpus_per_node
        return (emulated, check_emulated_gpu(facts, gpus_per_node=gpus))
    native = check_native(facts, site, classes)
    if native.refuses:
        return (native,)
    return (native, *check_processor(facts, site, classes))
