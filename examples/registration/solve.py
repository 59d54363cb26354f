"""One Gauss-Newton step for the displacement map.

The map a is sought that makes |fixed - moving(x + a)|² + λ|L a|² small, L being the Laplacian over
the nodes. Linearised at the present map this is, for the change d of the map,

    (Tᵀ T + λ L²) d = Tᵀ (fixed - moving) - λ L² a,    T d = gradient · (d interpolated at voxels)

solved by conjugate gradients without ever forming the matrix. The same equations stand behind pFIRE
(https://github.com/INSIGNEO/pFIRE). Does not touch images: gradient and residual are given.
"""

import numpy as np

LAPLACIAN_SQUARED_DIAGONAL = 42.0  # of a node with six neighbours: 6² + 6 · 1²


class NormalEquations:
    """The left side of the equations for one state of the images."""

    def __init__(self, grid, gradient, smoothness):
        self.grid = grid
        self.gradient = gradient
        diagonal = grid.from_voxels(gradient**2, squared=True)
        mean = grid.slab.sum(diagonal.sum()) / (3 * np.prod(grid.n_nodes))
        self.strength = smoothness * mean  # λ, relative to the images' own weight
        self.diagonal = diagonal + self.strength * LAPLACIAN_SQUARED_DIAGONAL

    def pull(self, residual):
        """Tᵀ: what a difference of the images at the voxels asks of the nodes."""
        return self.grid.from_voxels(self.gradient * residual)

    def bend(self, nodes):
        """λ L²: what the smoothness asks of the nodes."""
        return self.strength * self.grid.laplacian(self.grid.laplacian(nodes))

    def apply(self, nodes):
        change = np.sum(self.gradient * self.grid.to_voxels(nodes), axis=0)
        return self.pull(change) + self.bend(nodes)


def gauss_newton_step(grid, nodes, gradient, residual, level):
    """Return the change of the map; `level` gives the smoothness and the solver's steps."""
    equations = NormalEquations(grid, gradient, level.smoothness)
    right_side = equations.pull(residual) - equations.bend(nodes)
    return conjugate_gradients(
        equations.apply, right_side, equations.diagonal, grid.slab.dot, level.n_solver_steps
    )


def conjugate_gradients(apply, right_side, diagonal, dot, n_steps):
    """Solve in a fixed number of steps, preconditioned by the diagonal."""
    solution = np.zeros_like(right_side)
    residual = right_side
    scaled = residual / diagonal
    direction = scaled
    rho = dot(residual, scaled)
    for _ in range(n_steps):
        if rho == 0:
            break
        image = apply(direction)
        alpha = rho / dot(direction, image)
        solution = solution + alpha * direction
        residual = residual - alpha * image
        scaled = residual / diagonal
        rho, rho_before = dot(residual, scaled), rho
        direction = scaled + rho / rho_before * direction
    return solution
