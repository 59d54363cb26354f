"""The registration itself: Gauss-Newton steps, level by level, with less blur and finer nodes.

Does not read or print: images come in as this rank's slab, and the displacement goes out.
"""

from dataclasses import dataclass

import numpy as np
from domain import Slab
from image import gradient, require_reach, sample, smooth
from nodes import NodeGrid
from solve import gauss_newton_step


@dataclass(frozen=True)
class Level:
    """One level of the registration; lengths in voxels.

    The numbers of steps are fixed: a stop that depends on the figures could come one step earlier
    on 4 ranks than on 1, because their sums are rounded differently.
    """

    spacing: int
    blur: float
    smoothness: float
    n_steps: int
    n_solver_steps: int = 15


LEVELS = (Level(8, 3.0, 0.1, 6), Level(8, 1.5, 0.1, 4), Level(4, 0.5, 2.0, 4))


@dataclass(frozen=True)
class Images:
    """This rank's slab of the two images; `halo` slices bound how far one may be displaced."""

    slab: Slab
    fixed: np.ndarray
    moving: np.ndarray
    halo: int

    @property
    def shape(self):
        """Shape of the whole volume, of which no rank need hold all."""
        return (self.slab.total, *self.fixed.shape[1:])

    def displaced(self, displacement):
        """Return the moving image as the displacement shows it on the grid of the fixed one."""
        padded = self.slab.with_halo(self.moving, self.halo)
        return sample(padded, self.halo, displacement)


def register(images):
    """Yield, after each level, the node grid and the displacement at each voxel of the slab.

    Displacements are in voxels, components in the order of the axes (z, y, x).
    """
    grid = NodeGrid(images.slab, images.shape, LEVELS[0].spacing)
    nodes = grid.zeros()
    for level in LEVELS:
        if level.spacing != grid.spacing:
            grid, nodes = grid.refine(nodes, level.spacing)
        nodes = improve(images, grid, nodes, level)
        yield grid, grid.to_voxels(nodes)


def improve(images, grid, nodes, level):
    """Take the Gauss-Newton steps of one level."""
    slab = images.slab
    fixed = smooth(slab, images.fixed, level.blur)
    moving = slab.with_halo(smooth(slab, images.moving, level.blur), images.halo)
    for _ in range(level.n_steps):
        displacement = grid.to_voxels(nodes)
        require_reach(slab, displacement, images.halo)
        warped = sample(moving, images.halo, displacement)
        slope = gradient(slab, (fixed + warped) / 2)
        nodes = nodes + gauss_newton_step(grid, nodes, slope, fixed - warped, level)
    require_reach(slab, grid.to_voxels(nodes), images.halo)
    return nodes
