"""The coarse map of displacements: interpolation, its transpose, refinement, Laplacian."""

from itertools import chain
from typing import Any

import numpy as np
import pytest

from tests.unit.examples.conftest import Load
from tests.unit.examples.thread_ranks import on_ranks

SHAPE = (21, 9, 14)
SIZES = (1, 2, 3, 4)


def values_at_nodes(grid: Any) -> Any:
    """Give each node a value that depends on its place alone: the coordinates in voxels."""
    axes = [grid.spacing * np.arange(n) for n in grid.n_nodes]
    axes[0] = axes[0][grid.slab.start : grid.slab.stop]
    return np.stack(np.meshgrid(*axes, indexing="ij")).astype(float)


@pytest.mark.parametrize("size", SIZES)
def test_nodes_are_each_owned_once(load: Load, size: int) -> None:
    domain, nodes = load("domain"), load("nodes")

    def program(comm: Any) -> list[int]:
        grid = nodes.NodeGrid(domain.Slab.share_of(comm, SHAPE[0]), SHAPE, 5)
        return list(range(grid.slab.start, grid.slab.stop))

    assert list(chain(*on_ranks(size, program))) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("size", SIZES)
def test_linear_map_is_interpolated_exactly(load: Load, size: int) -> None:
    domain, nodes = load("domain"), load("nodes")

    def program(comm: Any) -> Any:
        grid = nodes.NodeGrid(domain.Slab.share_of(comm, SHAPE[0]), SHAPE, 4)
        return grid.to_voxels(values_at_nodes(grid))

    voxels = np.concatenate(on_ranks(size, program), axis=1)
    expected = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"))
    assert np.allclose(voxels, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_refined_map_is_the_same_map(load: Load, size: int) -> None:
    domain, nodes = load("domain"), load("nodes")

    def program(comm: Any) -> float:
        slab = domain.Slab.share_of(comm, SHAPE[0])
        grid = nodes.NodeGrid(slab, SHAPE, 4)
        values = np.sin(values_at_nodes(grid))
        finer, refined = grid.refine(values, 2)
        return float(np.abs(finer.to_voxels(refined) - grid.to_voxels(values)).max())

    assert on_ranks(size, program) == pytest.approx([0] * size, abs=1e-14)


@pytest.mark.parametrize("size", SIZES)
def test_from_voxels_is_the_transpose_of_to_voxels(load: Load, size: int) -> None:
    domain, nodes = load("domain"), load("nodes")
    everywhere = np.random.default_rng(3).random((3, *SHAPE))

    def program(comm: Any) -> tuple[float, float]:
        slab = domain.Slab.share_of(comm, SHAPE[0])
        grid = nodes.NodeGrid(slab, SHAPE, 4)
        values, voxels = np.cos(values_at_nodes(grid)), everywhere[:, slab.start : slab.stop]
        return (
            slab.dot(grid.to_voxels(values), voxels),
            slab.dot(values, grid.from_voxels(voxels)),
        )

    for there, back in on_ranks(size, program):
        assert there == pytest.approx(back, rel=1e-13)


@pytest.mark.parametrize("size", SIZES)
def test_laplacian_ignores_a_shift_and_does_not_depend_on_the_ranks(load: Load, size: int) -> None:
    domain, nodes = load("domain"), load("nodes")

    def program(comm: Any) -> Any:
        grid = nodes.NodeGrid(domain.Slab.share_of(comm, SHAPE[0]), SHAPE, 4)
        values = np.sin(values_at_nodes(grid))
        assert np.allclose(grid.laplacian(values + 7), grid.laplacian(values), atol=1e-12)
        return grid.laplacian(values)

    (alone,) = on_ranks(1, program)
    assert np.array_equal(alone, np.concatenate(on_ranks(size, program), axis=1))


def test_slab_thinner_than_the_node_spacing_is_refused(load: Load) -> None:
    domain, errors, nodes = load("domain"), load("errors"), load("nodes")

    def program(comm: Any) -> None:
        nodes.NodeGrid(domain.Slab.share_of(comm, SHAPE[0]), SHAPE, 8)

    with pytest.raises(errors.RegistrationError, match="the node spacing needs 8"):
        on_ranks(4, program)
