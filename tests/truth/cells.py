"""The cells of the truth table: one way to run one program somewhere; predicts and runs none."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from typing import Any

from tests.truth.lists import ImageRow, image_rows, load


@dataclass(frozen=True)
class Cell:
    """An image's program, started some way on some cluster."""

    slurm: str
    image: str
    program: str
    model: str
    launcher: str
    type: str | None
    """Of `srun --mpi`."""
    stack: str | None
    """Whose library is bound, or whose mpirun or mpiexec starts the ranks."""
    nodes: int
    ranks_per_node: int

    @property
    def id(self) -> str:
        """One line that tells it apart."""
        start = f"srun-{self.type}" if self.type else self.launcher
        shape = f"{self.nodes}x{self.ranks_per_node}"
        return "/".join(
            [self.slurm, self.image, self.program, self.model, start, self.stack or "-", shape]
        )

    @property
    def n_ranks(self) -> int:
        """All ranks."""
        return self.nodes * self.ranks_per_node

    @property
    def arch(self) -> str:
        """Of the image, as `uname -m` says."""
        return self.image.rpartition("-")[2]

    @property
    def argv(self) -> tuple[str, ...]:
        """The program inside the image."""
        if self.program == "python":
            return ("python3", "/opt/probe/probe.py")
        return (f"/opt/probe/{self.program}",)

    @classmethod
    def parse(cls, text: str) -> "Cell":
        """Take an id apart again."""
        slurm, image, program, model, start, stack, shape = text.split("/")
        launcher, _, kind = start.partition("-")
        nodes, _, ranks_per_node = shape.partition("x")
        return cls(
            slurm=slurm,
            image=image,
            program=program,
            model=model,
            launcher=launcher,
            type=kind or None,
            stack=None if stack == "-" else stack,
            nodes=int(nodes),
            ranks_per_node=int(ranks_per_node),
        )


@cache
def all_cells() -> tuple[Cell, ...]:
    """Return every cell that the lists name, each once."""
    groups = load("cells.yaml")["groups"]
    cells = (cell for group in groups for cell in cells_of(group, tuple(image_rows())))
    return tuple(dict.fromkeys(cells))


def cells_of(group: dict[str, Any], images: Sequence[ImageRow]) -> Iterator[Cell]:
    """Give the product of one group's lists."""
    nodes, _, ranks_per_node = group.get("shape", "2x1").partition("x")
    programs = group.get("programs", ["plain"])
    starts = itertools.product(
        group["slurm"], group.get("types", [None]), group.get("stacks", [None])
    )
    for (slurm, kind, stack), image in itertools.product(list(starts), images):
        if not any(fnmatch(image.name, pattern) for pattern in group["images"]):
            continue
        for program in (name for name in programs if name in image.programs):
            yield Cell(
                slurm=slurm,
                image=image.name,
                program=program,
                model=group.get("model", "hybrid"),
                launcher=group.get("launcher", "srun"),
                type=kind,
                stack=stack,
                nodes=int(nodes),
                ranks_per_node=int(ranks_per_node),
            )
