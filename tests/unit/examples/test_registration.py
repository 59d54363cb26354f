"""A known displacement is found again, and 1, 2 and 4 ranks find the same."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.unit.examples.conftest import Load
from tests.unit.examples.thread_ranks import on_ranks

SHAPE = (48, 24, 28)


def blobs(z: Any, y: Any, x: Any) -> Any:
    """Return a smooth image with structure everywhere: a sum of waves under a dome."""
    dome = np.exp(-((z - 24) ** 2 + (y - 12) ** 2 + (x - 14) ** 2) / 400)
    return 100 * dome * (2 + np.sin(0.5 * z) + np.cos(0.6 * y) + np.sin(0.55 * x + 1))


def known_displacement(z: Any, y: Any, x: Any) -> Any:
    bump = np.sin(np.pi * z / 47) * np.sin(np.pi * y / 23) * np.sin(np.pi * x / 27)
    return np.stack([2.5 * bump, -1.5 * bump, 1.0 * bump])


@pytest.fixture(scope="module")
def outcome(load: Load) -> Any:
    domain, levels, measure = load("domain"), load("levels"), load("measure")
    grid = np.meshgrid(*(np.arange(float(n)) for n in SHAPE), indexing="ij")
    moving = blobs(*grid)
    true = known_displacement(*grid)
    fixed = blobs(*(g + t for g, t in zip(grid, true, strict=True)))

    def program(comm: Any) -> Any:
        slab = domain.Slab.share_of(comm, SHAPE[0])
        mine = np.s_[slab.start : slab.stop]
        images = levels.Images(slab, fixed[mine], moving[mine], 5)
        yardstick = measure.Yardstick(images, true[::-1, mine], 1.0)
        before = yardstick.measure(np.zeros((3, *images.fixed.shape)))
        *_, (_, displacement) = levels.register(images)
        return before, yardstick.measure(displacement), displacement

    return cache(lambda size: on_ranks(size, program))


def test_known_displacement_is_found(outcome: Any) -> None:
    before, after, _ = outcome(1)[0]
    assert after["endpoint_error_mm"] < 0.3 * before["endpoint_error_mm"]
    assert after["correlation"] > max(0.99, before["correlation"])


@pytest.mark.parametrize("size", [2, 4])
def test_ranks_agree(outcome: Any, size: int) -> None:
    (alone,), parts = outcome(1), outcome(size)
    together = np.concatenate([displacement for _, _, displacement in parts], axis=1)
    assert np.abs(together - alone[2]).max() < 1e-9
    for _, after, _ in parts:
        assert after == pytest.approx(alone[1], abs=1e-9)


def test_inverse_of_the_known_displacement_leads_back(load: Load) -> None:
    truth = load("truth")
    lengths_mm = (186, 230, 194)
    grid = np.meshgrid(*[np.linspace(0, 1, 7)] * 3, indexing="ij")
    inverse = truth.inverse_mm(*grid, lengths_mm)
    origin = [c + v / n for c, v, n in zip(grid, inverse, lengths_mm, strict=True)]
    assert np.abs(inverse + truth.displacement_mm(*origin)).max() < 1e-4
