"""How good a registration is: correlation of the images, distance of the field from the true one.

Both are taken inside the brain, which is where the fixed image is above zero. Does not hold a
volume: each rank sums up its slab, and only sums travel.
"""

import numpy as np


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
