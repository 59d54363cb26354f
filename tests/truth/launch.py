"""Batch scripts of the truth table, written by hand and not by hpcrun's templates; starts nothing.

What hpcrun's plan would set inside the container is taken from the prediction, so that a cell asks
whether hpcrun's own job would work; how ranks are started is said here once more, on its own.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.truth.cells import Cell

LIMIT_S = 45
EMULATED_LIMIT_S = 90
_APART = ("OPAL_PREFIX", "PMIX_INSTALL_PREFIX", "PMIX_PREFIX", "LD_LIBRARY_PATH", "I_MPI_ROOT")
"""What a launcher of the cluster needs outside and an image's own MPI must not see.

The cluster's Open MPI was built for another prefix, so it is told where it lies by OPAL_PREFIX,
from which mpirun makes variables for PMIx. One that lies where it was built for sets neither.
"""


@dataclass(frozen=True)
class Place:
    """Where the parts of a cell lie on the nodes."""

    image: Path
    argv: tuple[str, ...]
    folder: Path
    """Where its output goes."""
    prefix: Path | None
    """Of the installation that it names."""


def script(cell: Cell, environment: Mapping[str, str], place: Place, name: str) -> str:
    """Return the batch script of a cell.

    It leaves NAME.rank.… of each rank, NAME.out of the rest, and then NAME.rc in the folder.
    """
    inside = {**_bound(cell, place), **environment}
    container = ["apptainer", "exec", "--no-eval"]
    if cell.model == "bind":
        container += ["--mount", f"type=bind,source={place.prefix},dst={place.prefix},ro"]
    started = [*_start(cell, place), *_apart(place, name), *container, str(place.image)]
    limit_s = LIMIT_S if cell.arch == "x86_64" else EMULATED_LIMIT_S
    lines = [
        "#!/bin/sh",
        f"#SBATCH --job-name={name} --nodes={cell.nodes} --ntasks-per-node={cell.ranks_per_node}",
        "#SBATCH --cpus-per-task=1 --mem=1000 --time=10 --no-requeue",
        f"#SBATCH --chdir={place.folder} --output={name}.out",
        *(f"export APPTAINERENV_{key}={shlex.quote(value)}" for key, value in inside.items()),
        *_outside(cell, place),
        f"timeout -k 5 {limit_s} {shlex.join([*started, *place.argv])}",
        f"echo $? >{name}.part && mv {name}.part {name}.rc",
    ]
    return "\n".join(lines) + "\n"


def _apart(place: Place, name: str) -> list[str]:
    """Return the words by which each rank's output goes to a file: hydra mixes lines of two."""
    return ["sh", "-c", f'exec "$@" >{place.folder}/{name}.rank.$(hostname).$$', "rank"]


def _bound(cell: Cell, place: Place) -> dict[str, str]:
    """Return what every recipe for binding a library sets inside the container."""
    if cell.model != "bind":
        return {}
    moved = {"OPAL_PREFIX": str(place.prefix)} if _kind(cell) == "openmpi" else {}
    return {"LD_LIBRARY_PATH": f"{place.prefix}/lib", **moved}


def read_output(folder: Path, name: str) -> str:
    """Return what a cell printed: its ranks, then its launcher."""
    files = [*sorted(folder.glob(f"{name}.rank.*")), folder / f"{name}.out"]
    return "\n".join(file.read_text(errors="replace") for file in files if file.exists())


def _start(cell: Cell, place: Place) -> list[str]:
    """Return the words that start the ranks, before those of the container."""
    ranks, per_node = str(cell.n_ranks), str(cell.ranks_per_node)
    if cell.launcher == "srun":
        return ["srun", f"--mpi={cell.type}", f"--ntasks={ranks}", f"--ntasks-per-node={per_node}"]
    alone = ["env", *(word for name in _APART for word in ("-u", name))]
    if cell.launcher == "mpirun":
        mapped = ["--map-by", f"ppr:{per_node}:node"]
        return [f"{place.prefix}/bin/mpirun", "-np", ranks, *mapped, *alone]
    return [f"{place.prefix}/bin/mpiexec", "-n", ranks, "-ppn", per_node, *alone]


def _outside(cell: Cell, place: Place) -> list[str]:
    """Return what the cluster's module would set for its launchers."""
    if cell.launcher == "srun":
        return []
    lines = {
        "openmpi": [f"export OPAL_PREFIX={place.prefix}"],
        "impi-rt": [f"export I_MPI_ROOT={place.prefix}"],
    }
    return [f"export PATH={place.prefix}/bin:$PATH", *lines.get(_kind(cell), [])]


def _kind(cell: Cell) -> str:
    return (cell.stack or "").rpartition("-")[0]
