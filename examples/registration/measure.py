"""How good a registration is: correlation of the images, distance of the field from the true one.

Both are taken inside the brain, which is where the fixed image is above zero. Does not hold a
volume: each rank sums up its slab, and only sums travel.
"""

import numpy as np


class Yardstick:
    """Measures one pair of images; without a true field, only by their correlation."""

    def __init__(self, images, true_field_mm, voxel_mm):
        self.images = images
        self.true_field_mm = true_field_mm
        self.voxel_mm = voxel_mm
        self.mask = images.fixed > 0

    def measure(self, displacement):
        """Return the figures of a displacement in voxels, components (z, y, x)."""
        slab, fixed = self.images.slab, self.images.fixed
        warped = self.images.displaced(displacement)
        figures = {"correlation": correlation(slab, fixed, warped, self.mask)}
        if self.true_field_mm is not None:
            field_mm = displacement[::-1] * self.voxel_mm  # files have x, y, z
            error_mm = endpoint_error(slab, field_mm, self.true_field_mm, self.mask)
            figures["endpoint_error_mm"] = error_mm
        return figures


def correlation(slab, fixed, other, mask):
    """Pearson's correlation of two images inside the mask."""
    a, b = fixed[mask], other[mask]
    n = slab.sum(a.size)
    a = a - slab.sum(a.sum()) / n
    b = b - slab.sum(b.sum()) / n
    return slab.dot(a, b) / np.sqrt(slab.dot(a, a) * slab.dot(b, b))


def endpoint_error(slab, displacement, true_displacement, mask):
    """Mean distance between where two fields send a voxel, in the unit of the fields."""
    distance = np.sqrt(((displacement - true_displacement) ** 2).sum(axis=0))
    return slab.sum(distance[mask].sum()) / slab.sum(mask.sum())
