"""Every way to run a job, plausible or not (formats.md, candidates); does not judge them."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from hpcrun.model.base import UNKNOWN, is_known
from hpcrun.planner.managers import stacks_with
from hpcrun.planner.question import Question

Model = Literal["hybrid", "bind", "contained", "none"]
Launcher = Literal["srun", "mpirun", "mpiexec"]
Execution = Literal["native", "emulated"]

MODELS: tuple[Model, ...] = ("hybrid", "bind", "contained", "none")
LAUNCHERS: tuple[Launcher, ...] = ("srun", "mpirun", "mpiexec")
EXECUTIONS: tuple[Execution, ...] = ("native", "emulated")
ASSUMED_TYPES = ("pmix", "pmi2")
"""What is considered where the profile does not say what `srun --mpi=list` prints."""


class Shape(NamedTuple):
    """One way to run the job, not yet judged."""

    model: Model
    launcher: Launcher
    srun_mpi: str | None
    mpi_stack: str | None
    execution: Execution
    image_arch: str


def all_shapes(question: Question) -> tuple[Shape, ...]:
    """Give every model x launcher x `--mpi` type x MPI stack x execution x image variant."""
    ways = tuple((model, *way) for model in MODELS for way in _ways(question, model))
    return _shapes(ways, tuple(question.images))


@lru_cache(maxsize=256)
def _shapes(
    ways: tuple[tuple[Model, Launcher, str | None, str | None], ...], archs: tuple[str, ...]
) -> tuple[Shape, ...]:
    """Give the product; it is the same for all images at one site."""
    return tuple(
        Shape(*way, execution, arch) for arch in archs for execution in EXECUTIONS for way in ways
    )


def _ways(question: Question, model: Model) -> Iterator[tuple[Launcher, str | None, str | None]]:
    """Give launcher, `--mpi` type and host stack: that is bound, or whose launcher is used.

    The stack is None where none is used, or where none has the launcher.
    """
    launches = tuple(_launches(question))
    if model == "bind":
        for stack in question.site.mpi_stacks:
            for launcher, srun_mpi in launches:
                yield launcher, srun_mpi, stack
        return
    for launcher, srun_mpi in launches:
        is_lent = model == "hybrid" and launcher != "srun"
        names = stacks_with(question, launcher) if is_lent else ()
        for name in names or (None,):
            yield launcher, srun_mpi, name


def srun_types(question: Question) -> tuple[str, ...]:
    """Return the `--mpi` types to consider: the site's, `none`, and what the job asks for."""
    site = question.site
    offered = site.scheduler.mpi_types
    types = offered if is_known(offered) else (*site.named_mpi_types, *ASSUMED_TYPES)
    wished = question.job.mpi.pmi
    if wished != "auto" and not any(is_wished_type(wished, name) for name in types):
        types = (*types, wished)
    return tuple(dict.fromkeys((*types, "none")))


def is_wished_type(wished: str, srun_type: str) -> bool:
    """Whether a type is what the job asks for; `pmix` asks for any of its versions too."""
    return wished in ("auto", srun_type) or srun_type.startswith(f"{wished}_v")


def _launches(question: Question) -> Iterator[tuple[Launcher, str | None]]:
    if question.site.scheduler.kind in ("slurm", UNKNOWN):
        for srun_type in srun_types(question):
            yield "srun", srun_type
    yield "mpirun", None
    yield "mpiexec", None
