"""The slabs cover the volume, and the slices at the cuts travel to where they are needed."""

from itertools import chain
from typing import Any

import numpy as np
import pytest

from tests.unit.examples.conftest import Load
from tests.unit.examples.thread_ranks import on_ranks

SIZES = (1, 2, 3, 4)
VOLUME = np.random.default_rng(1).random((13, 4, 5))


@pytest.mark.parametrize("size", SIZES)
def test_slabs_cover_the_volume_without_overlap(load: Load, size: int) -> None:
    domain = load("domain")

    def program(comm: Any) -> list[int]:
        slab = domain.Slab.share_of(comm, 13)
        return list(range(slab.start, slab.stop))

    assert list(range(13)) == list(chain(*on_ranks(size, program)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("width", [1, 3])
def test_halo_holds_the_neighbours_slices(load: Load, size: int, width: int) -> None:
    domain = load("domain")
    whole = np.pad(VOLUME, [(width, width), (0, 0), (0, 0)], "edge")

    def program(comm: Any) -> bool:
        slab = domain.Slab.share_of(comm, len(VOLUME))
        padded = slab.with_halo(VOLUME[slab.start : slab.stop], width)
        return bool(np.array_equal(padded, whole[slab.start : slab.stop + 2 * width]))

    assert on_ranks(size, program) == [True] * size


@pytest.mark.parametrize("size", [2, 3, 4])
def test_halo_given_back_is_added_by_the_owner(load: Load, size: int) -> None:
    """Sums of a slab and its halo, each slice counted by all ranks that see it."""
    domain = load("domain")

    def program(comm: Any) -> Any:
        slab = domain.Slab.share_of(comm, len(VOLUME))
        padded = np.ones((slab.n_slices + 2, 4, 5))
        return slab.without_halo(padded, 1)[:, 0, 0]

    seen = np.concatenate(on_ranks(size, program))
    cuts = [13 * rank // size for rank in range(1, size)]
    expected = [1 + (index in cuts) + (index + 1 in cuts) for index in range(13)]
    assert expected == seen.tolist()


def test_slab_thinner_than_the_halo_is_refused_with_the_most_ranks(load: Load) -> None:
    domain, errors = load("domain"), load("errors")

    def program(comm: Any) -> None:
        domain.Slab.share_of(comm, 13).require_thickness(4, "a test")

    with pytest.raises(errors.RegistrationError, match="use at most 3 ranks for these 13 slices"):
        on_ranks(4, program)


@pytest.mark.parametrize("size", SIZES)
def test_dot_product_is_that_of_the_whole_volume(load: Load, size: int) -> None:
    domain = load("domain")

    def program(comm: Any) -> float:
        slab = domain.Slab.share_of(comm, len(VOLUME))
        part = VOLUME[slab.start : slab.stop]
        return float(slab.dot(part, part))

    assert on_ranks(size, program) == pytest.approx([np.vdot(VOLUME, VOLUME)] * size, rel=1e-14)
