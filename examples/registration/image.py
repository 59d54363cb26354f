"""What is done to images: sampling at displaced points, smoothing, gradient.

Works on the slab of one rank; neighbours' slices come in by `Slab.with_halo`. Displacements are in
voxels, components in the order of the axes (z, y, x).
"""

from itertools import product

import numpy as np
from errors import RegistrationError

SMOOTHING_REACH = 3  # a Gaussian is cut off at this many standard deviations


def sample(padded, halo, displacement):
    """Interpolate an image at x + displacement(x), for each voxel x of the slab.

    `padded` is the slab with `halo` slices around it, which bound the displacement along z.
    """
    n_z, n_y, n_x = displacement.shape[1:]
    z = np.arange(halo, halo + n_z)[:, None, None]
    y, x = np.arange(n_y)[:, None], np.arange(n_x)
    return interpolate(padded, (displacement[0] + z, displacement[1] + y, displacement[2] + x))


def interpolate(image, positions):
    """Trilinear values at `positions` (z, y, x, in voxels); outside, those of the nearest face."""
    lower, fractions = [], []
    for position, n in zip(positions, image.shape, strict=True):
        inside = np.clip(position, 0, n - 1)
        floor = np.minimum(inside.astype(np.intp), n - 2)
        lower.append(floor)
        fractions.append(inside - floor)
    stride_z, stride_y = image.shape[1] * image.shape[2], image.shape[2]
    corner = lower[0] * stride_z + lower[1] * stride_y + lower[2]
    flat = image.ravel()
    result = np.zeros(corner.shape)
    for steps in product((0, 1), repeat=3):
        weights = [f if step else 1 - f for step, f in zip(steps, fractions, strict=True)]
        neighbour = corner + (steps[0] * stride_z + steps[1] * stride_y + steps[2])
        result += weights[0] * weights[1] * weights[2] * flat.take(neighbour)
    return result


def require_reach(slab, displacement, halo):
    """Refuse a displacement that would need slices which no rank next door has sent."""
    largest = slab.max(np.abs(displacement[0]).max())
    if largest > halo - 1:
        raise RegistrationError(
            f"the displacement across the slabs has grown to {largest:.1f} voxels, but the halo is "
            f"{halo} slices: raise --max-displacement-mm"
        )


def gaussian_weights(sigma):
    reach = int(np.ceil(SMOOTHING_REACH * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return weights / weights.sum()


def smooth(slab, image, sigma):
    """Blur with a Gaussian of `sigma` voxels, one axis after the other."""
    if sigma == 0:
        return image
    weights = gaussian_weights(sigma)
    reach = len(weights) // 2
    for axis in range(3):
        if axis == 0:
            padded = slab.with_halo(image, reach)
        else:
            pad = [(reach, reach) if a == axis else (0, 0) for a in range(3)]
            padded = np.pad(image, pad, "edge")
        n = image.shape[axis]
        image = sum(w * padded.take(range(i, i + n), axis) for i, w in enumerate(weights))
    return image


def gradient(slab, image):
    """Return the central differences along z, y and x."""
    padded = slab.with_halo(image, 1)
    along_z = (padded[2:] - padded[:-2]) / 2
    return np.stack([along_z, np.gradient(image, axis=1), np.gradient(image, axis=2)])
