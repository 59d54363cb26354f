"""The main job of the examples reaches its goals in the sandbox, and ranks do not change it."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.examples.conftest import Register

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer, pytest.mark.mpi]

N_SLICES = 94
HEADER_BYTES = 352
AGREEMENT_MM = 1e-6


def read_field(folder: Path) -> Any:
    return np.fromfile(folder / "field.nii", "<f8", offset=HEADER_BYTES)


def test_4_ranks_on_2_nodes_reach_the_goals(register: Register) -> None:
    result = register(2, 4).result
    before, after = result["before"], result["after"]
    assert (result["n_ranks"], len(set(result["hosts"]))) == (4, 2)
    assert result["mpi_library"].startswith("Open MPI v5.0")
    assert after["correlation"] >= max(0.95, before["correlation"] + 0.1)
    assert after["endpoint_error_mm"] <= 0.3 * before["endpoint_error_mm"]


def test_job_is_seen_to_complete_and_prints_its_figures(register: Register) -> None:
    done = register(2, 4)
    assert "COMPLETED" in str(done.answer)
    assert "4 ranks on 2 nodes" in done.printed
    assert "endpoint error" in done.printed


def test_no_rank_holds_the_whole_volume(register: Register) -> None:
    shares = register(2, 4).result["slices"]
    assert [first for first, _ in shares[1:]] == [last + 1 for _, last in shares[:-1]]
    assert (shares[0][0], shares[-1][1]) == (0, N_SLICES - 1)
    assert max(last - first + 1 for first, last in shares) == 24


@pytest.mark.parametrize(("n_nodes", "n_ranks"), [(1, 1), (2, 2)])
def test_ranks_agree(register: Register, n_nodes: int, n_ranks: int) -> None:
    few, four = register(n_nodes, n_ranks), register(2, 4)
    assert (n_ranks, n_nodes) == (few.result["n_ranks"], len(set(few.result["hosts"])))
    assert np.abs(read_field(few.folder) - read_field(four.folder)).max() < AGREEMENT_MM
    assert few.result["after"] == pytest.approx(four.result["after"], abs=AGREEMENT_MM)


def test_picture_is_a_png_of_five_columns_and_three_rows(register: Register) -> None:
    raw = (register(2, 4).folder / "result.png").read_bytes()
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack_from(">2I", raw, 16)
    assert 1000 < width < 2 * height < 2000
