"""The third party's table of Open MPI beside the engine's verdicts: each difference has a cause."""

import pytest

from hpcrun.model.verdict import Answer
from hpcrun.tables.founding_openmpi import founding_openmpi
from tests.tools.make_founding_page import PAGE, Cell, cells, judge, page

CELLS = list(cells())


def test_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_table_has_all_pairs_of_its_releases() -> None:
    versions = founding_openmpi().versions
    assert [(c.image, c.host) for c in CELLS] == [(i, h) for i in versions for h in versions]


@pytest.mark.parametrize("cell", CELLS, ids=[f"{c.image}-under-{c.host}" for c in CELLS])
def test_difference_has_a_cause_and_agreement_has_none(cell: Cell) -> None:
    cause = founding_openmpi().cause(cell.image, cell.host)
    assert (cause is not None) is cell.differs


def test_causes_name_cells_of_the_table_once() -> None:
    named = [
        (i, h) for row in founding_openmpi().differences for i in row.images for h in row.hosts
    ]
    assert sorted(named) == sorted((c.image, c.host) for c in CELLS if c.differs)


@pytest.mark.parametrize("version", founding_openmpi().versions)
def test_release_serves_itself(version: str) -> None:
    assert judge(version, version).answer is Answer.COMPATIBLE
