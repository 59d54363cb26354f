"""The order in which candidates are preferred; does not judge them.

Native before emulated, so that results and speed are the processor's own. Then the model: the
image's own MPI (hybrid) before the host's (bind), because it is what the image's author tested;
where the image lacks the library bind comes first, and where nothing has to do with MPI, none does.
Then the PMI kind that the library takes by itself (tables/pmi.yaml), a plain `pmix` before its
numbered variants, newer variants before older ones, newer host stacks before older ones.
"""

import re

from hpcrun.compat.need import MpiNeed
from hpcrun.compat.pmi import abilities_used
from hpcrun.model.base import is_known
from hpcrun.planner.candidates import EXECUTIONS, LAUNCHERS, Model, Shape
from hpcrun.planner.judge import Judgement
from hpcrun.planner.question import Question
from hpcrun.tables import pmi
from hpcrun.tables.versions import version_key

Rank = tuple[int | str | tuple[int, ...], ...]


def preference(question: Question, shape: Shape, judgement: Judgement) -> Rank:
    """Return a sort key: smaller is preferred."""
    models = _models(question.needs[shape.image_arch])
    stack = question.site.mpi_stacks.get(shape.mpi_stack or "")
    version = stack.version if stack and is_known(stack.version) else ""
    return (
        EXECUTIONS.index(shape.execution),
        models.index(shape.model),
        LAUNCHERS.index(shape.launcher),
        _kind_rank(shape, judgement),
        _variant_rank(shape.srun_mpi or ""),
        tuple(-number for number in version_key(version)),
        shape.mpi_stack or "",
        list(question.images).index(shape.image_arch),
    )


def _models(need: MpiNeed) -> tuple[Model, ...]:
    if need.is_absent:
        return ("none", "hybrid", "bind", "contained")
    if not need.libraries:
        return ("bind", "hybrid", "none", "contained")
    return ("hybrid", "bind", "none", "contained")


def _kind_rank(shape: Shape, judgement: Judgement) -> int:
    """Rank a type by the client's own order of PMI kinds; unserved types come last."""
    client = judgement.client
    if client is None or shape.srun_mpi is None or not is_known(client.family):
        row = pmi().srun_type(shape.srun_mpi or "")
        return 8 if row and row.serves else 9
    used = abilities_used(client, shape.srun_mpi)
    order = pmi().preference(client.family)
    if not used or order is None:
        row = pmi().srun_type(shape.srun_mpi)
        return 8 if row and row.serves else 9
    return order.kinds.index(used[0].kind)


def _variant_rank(srun_type: str) -> int:
    match = re.fullmatch(r".*_v(\d+)", srun_type)
    return 1000 - int(match.group(1)) if match else 0
