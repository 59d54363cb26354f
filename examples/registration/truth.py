"""The known displacement of the example, and its inverse.

A few sine waves per component, so that it is smooth, folds nothing, and is zero on the faces of the
volume. Does not depend on the resolution: coordinates run from 0 to 1 along each axis.
"""

import numpy as np

# Component (z, y, x): amplitude in mm, then half waves along z, y and x.
WAVES = (
    ((6.0, 1, 1, 1), (-3.5, 1, 2, 1), (1.5, 2, 1, 3)),
    ((-6.5, 1, 1, 1), (3.0, 2, 2, 1), (2.0, 1, 3, 2)),
    ((5.5, 1, 1, 1), (3.5, 1, 1, 2), (-2.0, 3, 2, 1)),
)
INVERSION_STEPS = 15  # each step divides the error by about 4


def displacement_mm(z, y, x):
    """Displacement at relative coordinates; the arrays broadcast against each other."""
    return np.stack([sum(wave(w, z, y, x) for w in waves) for waves in WAVES])


def wave(terms, z, y, x):
    amplitude, *half_waves = terms
    along_z, along_y, along_x = (
        np.sin(np.pi * n * c) for n, c in zip(half_waves, (z, y, x), strict=True)
    )
    return amplitude * along_z * along_y * along_x


def inverse_mm(z, y, x, lengths_mm):
    """Return v with v(p) = -u(p + v(p)): where the voxel at p came from."""
    inverse = np.zeros((3, *np.broadcast_shapes(z.shape, y.shape, x.shape)))
    for _ in range(INVERSION_STEPS):
        shifted = [c + v / n for c, v, n in zip((z, y, x), inverse, lengths_mm, strict=True)]
        inverse = -displacement_mm(*shifted)
    return inverse
