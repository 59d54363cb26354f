"""Draws cells that no list names: other versions, other pairs, other Slurms; a seed chooses them.

Half of them have an image or an installation that only the draw knows. What makes no sense is left
out: a launcher with another family's options, a library bound for another processor.
"""

import itertools
import random
from collections.abc import Iterator

from tests.truth.cells import Cell, all_cells
from tests.truth.lists import SLURMS, ImageRow, image_rows, stack_names

N_CELLS = 100
_TYPES = ("pmix", "pmi2", "none")
_WITHOUT_PMIX = "26.05"
_LAUNCHERS = {"openmpi": "mpirun", "mpich": "mpiexec", "impi-rt": "mpiexec"}

Start = tuple[str, str, str | None, str | None]
"""Model, launcher, type of srun, installation."""


def draw_cells(seed: int) -> tuple[Cell, ...]:
    """Draw cells, of every way to start ranks about as many."""
    chance = random.Random(seed)
    named = set(all_cells())
    images = {row.name for row in image_rows()}
    stacks = {cell.stack for cell in named}
    pools: dict[tuple[str, ...], list[Cell]] = {}
    for cell in _possible():
        if cell not in named:
            is_new = cell.image not in images or cell.stack not in stacks
            pools.setdefault((cell.model, cell.launcher, str(is_new)), []).append(cell)
    drawn: list[Cell] = []
    for key in itertools.cycle(sorted(pools)):
        if len(drawn) == N_CELLS:
            return tuple(drawn)
        drawn.append(pools[key].pop(chance.randrange(len(pools[key]))))
    return ()


def _possible() -> Iterator[Cell]:
    rows = tuple(image_rows(with_drawn=True))
    for slurm, row in itertools.product(SLURMS, rows):
        for program, start in itertools.product(row.programs, _starts(slurm, row)):
            model, launcher, kind, stack = start
            yield Cell(slurm, row.name, program, model, launcher, kind, stack, 2, 1)


def _starts(slurm: str, row: ImageRow) -> Iterator[Start]:
    for kind in _TYPES:
        if kind != "pmix" or slurm != _WITHOUT_PMIX:
            yield "hybrid", "srun", kind, None
            if row.arch == "x86_64" and kind != "none":
                same = (
                    name for name in stack_names() if _is_openmpi(name) == _is_openmpi(row.name)
                )
                yield from (("bind", "srun", kind, name) for name in same)
    for name in stack_names():
        launcher = _LAUNCHERS[name.rpartition("-")[0]]
        yield "hybrid", launcher, None, name
        if row.arch == "x86_64" and _is_openmpi(name) == _is_openmpi(row.name):
            yield "bind", launcher, None, name


def _is_openmpi(name: str) -> bool:
    return "openmpi" in name
