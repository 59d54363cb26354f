"""The committed predictions are today's verdicts; the table is broad; every miss is told."""

from collections import Counter
from fnmatch import fnmatch

import pytest

from tests.truth.cells import Cell, all_cells
from tests.truth.lists import SLURMS, load
from tests.truth.outcome import read_outcome
from tests.truth.predict import load_predictions, predict
from tests.truth.report import misses
from tests.truth.results import FOLDER, load_results

TABLES = ("table", "drawn")
STACK = "/site/stacks/openmpi-5.0.11"
CELL = Cell.parse("24.11/i-x86_64/plain/hybrid/srun-pmix/-/2x1")
BOUND = Cell.parse("24.11/i-x86_64/plain/bind/srun-pmix/openmpi-5.0.11/2x1")


@pytest.mark.parametrize("table", TABLES)
def test_predictions_are_what_the_engine_says_today(table: str) -> None:
    written = load_predictions(table)
    for line in written.values():
        line.pop("engine")
    said = {cell: predict(Cell.parse(cell)) for cell in written}
    changed = {cell: (line, said[cell]) for cell, line in written.items() if line != said[cell]}
    assert not changed, "sh tests/run.sh truth predict; then commit before those cells run again"


def test_table_is_as_broad_as_its_goal() -> None:
    cells = all_cells()
    assert len(cells) >= 250
    assert {cell.slurm for cell in cells} == set(SLURMS)
    assert {cell.launcher for cell in cells} == {"srun", "mpirun", "mpiexec"}
    assert {cell.arch for cell in cells} == {"x86_64", "aarch64"}
    assert len({cell.image for cell in cells if "wheel" not in cell.image}) >= 5
    wheels = Counter(wheel.partition("==")[0] for wheel in load("images.yaml")["stacks"])
    assert min(wheels.values()) >= 3


def test_every_miss_of_a_run_is_explained() -> None:
    told = [pattern for miss in load("misses.yaml")["misses"] for pattern in miss["cells"]]
    missed = {
        cell for file in FOLDER.glob("*.jsonl") for cell, _ in misses(load_results(file.stem)[1])
    }
    untold = {cell for cell in missed if not any(fnmatch(cell, pattern) for pattern in told)}
    assert untold == set()


def test_cell_is_known_by_its_id() -> None:
    assert [Cell.parse(cell.id) for cell in all_cells()] == list(all_cells())


def _rank(rank: int, size: int = 2, *, path: str = "/usr/lib/libmpi.so.40") -> str:
    total, source = size * (size - 1) // 2, (rank - 1) % size
    return (
        f'RANK {{"rank": {rank}, "size": {size}, "host": "n{rank}", "sum": {total},'
        f' "from": {source}, "path": "{path}", "library": "MPI"}}\n'
    )


HOST = f"{STACK}/lib/libmpi.so.40"


@pytest.mark.parametrize(
    ("cell", "output", "code", "outcome"),
    [
        (CELL, _rank(0) + _rank(1), 0, "ok"),
        (CELL, "0: " + _rank(1) + "1: " + _rank(0), 0, "ok"),
        (CELL, _rank(0).strip() + _rank(1), 0, "ok"),
        (CELL, _rank(0) + _rank(1), 1, "failed"),
        (CELL, _rank(0), 0, "failed"),
        (CELL, _rank(0) + _rank(0), 0, "failed"),
        (CELL, _rank(0, 1) + _rank(0, 1), 0, "singletons"),
        (CELL, _rank(0) + _rank(1), 124, "hang"),
        (CELL, "", None, "hang"),
        (CELL, "", 0, "failed"),
        (CELL, _rank(0, path=HOST) + _rank(1, path=HOST), 0, "wrong-library"),
        (BOUND, _rank(0, path=HOST) + _rank(1, path=HOST), 0, "ok"),
        (BOUND, _rank(0, path=HOST) + _rank(1), 0, "wrong-library"),
        (BOUND, _rank(0) + _rank(1), 0, "wrong-library"),
    ],
)
def test_outcome_is_ok_only_with_all_ranks_on_the_right_library(
    cell: Cell, output: str, code: int | None, outcome: str
) -> None:
    assert read_outcome(cell, output, code, STACK).outcome == outcome
