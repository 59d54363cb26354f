"""Which limit holds for a job: the partition's, or its quality of service's; compares nothing."""

from typing import NamedTuple

from hpcrun.model.base import is_known
from hpcrun.planner.question import Question


class Limit(NamedTuple):
    """One limit."""

    what: str
    """Whose it is, for messages."""
    key: str
    """Where it stands in the profile, without the unit that the model adds."""
    bound: int
    is_sure: bool
    """False where the quality of service that the job names may lift it."""


def limit_of(question: Question, name: str) -> Limit | None:
    """Return the limit that holds, if one is known: nodes_min, nodes_max or walltime_max_s.

    A quality of service that states it has it in the partition's place; one that does not may lift
    the partition's all the same (Slurm's flags PartitionMaxNodes and PartitionTimeLimit).
    """
    key = name.removesuffix("_s")
    wanted = question.job.submit.qos or ""
    qos = question.site.qos.get(wanted)
    own = getattr(qos, name) if qos is not None else None
    if qos is not None and is_known(own):
        what = f"quality of service `{wanted}`"
        return Limit(what, f"qos.{wanted}.{key}", own, is_sure=True) if own is not None else None
    bound = getattr(question.partition, name, None)
    if not isinstance(bound, int):
        return None
    where = question.partition_name
    what = f"partition `{where}`"
    return Limit(what, f"partitions.{where}.{key}", bound, is_sure=not wanted)
