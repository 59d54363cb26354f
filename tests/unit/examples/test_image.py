"""Sampling, smoothing and gradients give on several ranks what they give on one."""

from typing import Any

import numpy as np
import pytest

from tests.unit.examples.conftest import Load
from tests.unit.examples.thread_ranks import on_ranks

SHAPE = (12, 9, 10)
Z, Y, X = np.meshgrid(*(np.arange(float(n)) for n in SHAPE), indexing="ij")


def test_linear_image_sampled_at_displaced_points_is_exact(load: Load) -> None:
    image = load("image")
    padded = np.pad(2 * Z - Y + 3 * X, [(4, 4), (0, 0), (0, 0)], "reflect", reflect_type="odd")
    displacement = np.stack([np.full(SHAPE, 2.25), 0.5 * np.sin(X), np.zeros(SHAPE)])
    inside = np.s_[:, 1:-1, :]
    expected = 2 * (Z + 2.25) - (Y + 0.5 * np.sin(X)) + 3 * X
    sampled = image.sample(padded, 4, displacement)
    assert sampled[inside] == pytest.approx(expected[inside], abs=1e-12)


def test_sampling_outside_takes_the_nearest_face(load: Load) -> None:
    image = load("image")
    points = (np.array([-3.0, 20.0]), np.array([2.0, 2.0]), np.array([1.0, 1.0]))
    assert image.interpolate(Z, points).tolist() == [0.0, SHAPE[0] - 1.0]


def test_displacement_beyond_the_halo_is_refused_on_every_rank(load: Load) -> None:
    domain, errors, image = load("domain"), load("errors"), load("image")

    def program(comm: Any) -> str:
        slab = domain.Slab.share_of(comm, SHAPE[0])
        displacement = np.zeros((3, slab.n_slices, 2, 2))
        displacement[0] = -3.5 if comm.rank == 1 else 0.0
        with pytest.raises(errors.RegistrationError, match=r"grown to 3\.5 voxels") as caught:
            image.require_reach(slab, displacement, 4)
        return str(caught.value)

    assert len(set(on_ranks(3, program))) == 1


@pytest.mark.parametrize("size", [1, 2, 3])
def test_smoothing_and_gradient_do_not_depend_on_the_ranks(load: Load, size: int) -> None:
    domain, image = load("domain"), load("image")
    volume = np.random.default_rng(2).random(SHAPE)

    def program(comm: Any) -> Any:
        slab = domain.Slab.share_of(comm, SHAPE[0])
        smooth = image.smooth(slab, volume[slab.start : slab.stop], 1.0)
        return np.concatenate([smooth[None], image.gradient(slab, smooth)])

    (alone,) = on_ranks(1, program)
    parts = on_ranks(size, program)
    assert np.array_equal(alone, np.concatenate(parts, axis=1))
    assert np.ptp(alone[0]) < np.ptp(volume)


def test_gradient_of_a_linear_image_is_constant_inside(load: Load) -> None:
    domain, image = load("domain"), load("image")

    def program(comm: Any) -> Any:
        slab = domain.Slab.share_of(comm, SHAPE[0])
        return image.gradient(slab, (2 * Z - Y + 3 * X)[slab.start : slab.stop])

    gradient = np.concatenate(on_ranks(2, program), axis=1)[:, 1:-1]
    assert pytest.approx(np.tile([2.0, -1.0, 3.0], (10 * 90, 1))) == gradient.reshape(3, -1).T
