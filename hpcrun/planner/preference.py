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


_UNSERVED, _SERVES_NOBODY = 8, 9


def _kind_rank(shape: Shape, judgement: Judgement) -> int:
    """Rank a type by the client's own order of PMI kinds; unserved types come last."""
    row = pmi().srun_type(shape.srun_mpi or "")
    if row is None or not row.serves:
        return _SERVES_NOBODY
    client = judgement.client
    if client is None or not is_known(client.family):
        return _UNSERVED
    order = pmi().preference(client.family)
    kinds = {ability.kind for ability in abilities_used(client, shape.srun_mpi or "")}
    if not is_known(client.abilities):
        kinds = set(row.serves)
    return min((order.kinds.index(kind) for kind in kinds if order), default=_UNSERVED)


def _variant_rank(srun_type: str) -> int:
    match = re.fullmatch(r".*_v(\d{1,9})", srun_type)
    return 1000 - int(match.group(1)) if match else 0
