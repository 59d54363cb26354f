"""The displacement map: a vector at each node of a coarse grid, interpolated linearly in between.

Does not hold the map of the whole volume: the planes of nodes are cut into slabs like the slices of
voxels. A node belongs to the rank that holds the slice on which the node lies, so that with slabs
at least one node spacing thick all that a rank lacks is one plane of each neighbour.
"""

import numpy as np
from domain import Slab


def hat_weights(positions, spacing, first, n_nodes):
    """Matrix of linear interpolation: a row per position, a column per node from `first` on."""
    weights = np.zeros((len(positions), n_nodes))
    for row, position in enumerate(positions):
        node, rest = divmod(position, spacing)
        weights[row, node - first] = 1 - rest / spacing
        if rest:
            weights[row, node + 1 - first] = rest / spacing
    return weights


def count_nodes(n_voxels, spacing):
    """Nodes lie at 0, spacing, 2 spacing … up to the last voxel or just beyond it."""
    return -(-(n_voxels - 1) // spacing) + 1


class NodeGrid:
    """Nodes every `spacing` voxels over a volume of `shape` that is cut into `voxels`."""

    def __init__(self, voxels, shape, spacing):
        voxels.require_thickness(spacing, "the node spacing")
        self.voxels = voxels
        self.spacing = spacing
        self.n_nodes = tuple(count_nodes(n, spacing) for n in shape)
        is_last = voxels.upper_rank is None
        start = -(-voxels.start // spacing)
        stop = self.n_nodes[0] if is_last else -(-voxels.stop // spacing)
        self.slab = Slab(voxels.comm, self.n_nodes[0], start, stop)
        # A plane of each neighbour stands around the own ones; beyond the volume its weights are 0.
        self.first = start - 1
        self.weights = (
            hat_weights(range(voxels.start, voxels.stop), spacing, self.first, stop - start + 2),
            hat_weights(range(shape[1]), spacing, 0, self.n_nodes[1]),
            hat_weights(range(shape[2]), spacing, 0, self.n_nodes[2]),
        )

    def zeros(self):
        return np.zeros((3, self.slab.n_slices, *self.n_nodes[1:]))

    def to_voxels(self, nodes):
        """Interpolate the map at each voxel of the slab."""
        return apply_along_axes(self.slab.with_halo(nodes, 1), self.weights)

    def from_voxels(self, values, *, squared=False):
        """Sum up values with each node's weights: the transpose of `to_voxels`."""
        weights = [w.T**2 if squared else w.T for w in self.weights]
        return self.slab.without_halo(apply_along_axes(values, weights), 1)

    def refine(self, nodes, spacing):
        """Return a grid of smaller spacing, which must divide this one, and the same map on it."""
        shape = tuple(len(w) for w in self.weights)
        finer = NodeGrid(self.voxels, (self.voxels.total, *shape[1:]), spacing)
        padded = self.slab.with_halo(nodes, 1)
        starts = (finer.slab.start, 0, 0)
        firsts = (self.first, 0, 0)
        counts = (finer.slab.n_slices, *finer.n_nodes[1:])
        weights = [
            hat_weights([spacing * (start + i) for i in range(count)], self.spacing, first, n)
            for start, first, count, n in zip(starts, firsts, counts, padded.shape[1:], strict=True)
        ]
        return finer, apply_along_axes(padded, weights)

    def laplacian(self, nodes):
        """Sum of differences to the six neighbours; at the outer faces a node has fewer of them."""
        padded = self.slab.with_halo(nodes, 1)
        result = 2 * nodes - padded[:, :-2] - padded[:, 2:]
        for axis in (2, 3):
            steps = np.diff(nodes, axis=axis)
            pad = [(0, 0)] * 4
            pad[axis] = (1, 1)
            result -= np.diff(np.pad(steps, pad), axis=axis)
        return result


def apply_along_axes(values, matrices):
    """Multiply the last three axes of `values` by one matrix each."""
    along_z, along_y, along_x = matrices
    n_components, n_z, n_y, n_x = values.shape
    values = along_z @ values.reshape(n_components, n_z, n_y * n_x)
    values = values.reshape(n_components, -1, n_y, n_x)
    return along_y @ values @ along_x.T
