#!/usr/bin/env python3
"""Register two brain images in parallel: find the displacement that turns one into the other.

    mpirun -n 4 python3 -m mpi4py register.py --fixed fixed.nii --moving moving.nii

In the spirit of pFIRE (https://github.com/INSIGNEO/pFIRE): a displacement map on a coarse grid of
nodes is improved by Gauss-Newton steps, level by level, with less blur and finer nodes. Each rank
holds one slab of the images and of the map, none a whole volume. This file is the order of events;
it does not know how slabs meet (domain), nor how a step is solved (solve).
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import nifti
import numpy as np
import report
from domain import Slab
from errors import RegistrationError
from image import gradient, require_reach, sample, smooth
from measure import correlation, endpoint_error
from mpi4py import MPI
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
class Input:
    """This rank's slab of the images, and how far the moving one may be displaced."""

    slab: Slab
    header: nifti.Header
    halo: int
    fixed: np.ndarray
    moving: np.ndarray
    true_field: np.ndarray | None


def read_input(arguments, comm):
    """Read this rank's slices; refuse what cannot work before anything is computed."""
    header = nifti.read_header(arguments.fixed)
    for path in filter(None, (arguments.moving, arguments.true_field)):
        if nifti.read_header(path).shape != header.shape:
            raise RegistrationError(f"`{path}` has another shape than `{arguments.fixed}`")
    slab = Slab.share_of(comm, header.shape[0])
    halo = int(np.ceil(arguments.max_displacement_mm / header.voxel_mm)) + 1
    slab.require_thickness(halo, f"a displacement of up to {arguments.max_displacement_mm:g} mm")
    fixed, moving = (
        nifti.read_slices(path, slab.start, slab.stop)
        for path in (arguments.fixed, arguments.moving)
    )
    true_field = None
    if arguments.true_field:
        true_field = nifti.read_slices(arguments.true_field, slab.start, slab.stop)
    return Input(slab, header, halo, fixed, moving, true_field)


def register(data, after_level):
    """Return the displacement at each voxel of the slab, in voxels, components (z, y, x)."""
    grid = NodeGrid(data.slab, data.header.shape, LEVELS[0].spacing)
    nodes = grid.zeros()
    for level in LEVELS:
        if level.spacing != grid.spacing:
            grid, nodes = grid.refine(nodes, level.spacing)
        nodes = improve(data, grid, nodes, level)
        after_level(grid, grid.to_voxels(nodes))
    return grid.to_voxels(nodes)


def improve(data, grid, nodes, level):
    """Take the Gauss-Newton steps of one level."""
    slab = data.slab
    fixed = smooth(slab, data.fixed, level.blur)
    moving = slab.with_halo(smooth(slab, data.moving, level.blur), data.halo)
    for _ in range(level.n_steps):
        displacement = grid.to_voxels(nodes)
        require_reach(slab, displacement, data.halo)
        warped = sample(moving, data.halo, displacement)
        slope = gradient(slab, (fixed + warped) / 2)
        nodes = nodes + gauss_newton_step(grid, nodes, slope, fixed - warped, level)
    require_reach(slab, grid.to_voxels(nodes), data.halo)
    return nodes


def measure(data, displacement):
    """Return the moving image displaced, and the figures of its agreement with the fixed one."""
    slab, mask = data.slab, data.fixed > 0
    warped = sample(slab.with_halo(data.moving, data.halo), data.halo, displacement)
    figures = {"correlation": correlation(slab, data.fixed, warped, mask)}
    if data.true_field is not None:
        field_mm = displacement[::-1] * data.header.voxel_mm
        figures["endpoint_error_mm"] = endpoint_error(slab, field_mm, data.true_field, mask)
    return warped, figures


def run(arguments, comm):
    """Read, register, measure, write."""
    started_s = time.perf_counter()
    data = read_input(arguments, comm)
    log = report.Log(comm, started_s)
    log.start(data)
    _, before = measure(data, np.zeros((3, *data.fixed.shape)))
    log.row("start", "", before)

    def after_level(grid, displacement):
        log.row(
            f"level {log.n_rows}", nifti.format_shape(grid.n_nodes), measure(data, displacement)[1]
        )

    displacement = register(data, after_level)
    warped, after = measure(data, displacement)
    report.write(arguments.output, data, displacement, warped)
    log.finish(arguments.output, data, before, after)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fixed", type=Path, required=True, help="image to reach (.nii)")
    parser.add_argument("--moving", type=Path, required=True, help="image to displace (.nii)")
    parser.add_argument("--true-field", type=Path, help="known displacement, to measure the error")
    parser.add_argument("--output", type=Path, default=Path(), help="folder for the results")
    parser.add_argument(
        "--max-displacement-mm",
        type=float,
        default=16,
        help="bound that sets the halo (default 16)",
    )
    return parser.parse_args()


def main():
    comm = MPI.COMM_WORLD
    try:
        run(parse_arguments(), comm)
    except RegistrationError as error:  # the same on every rank
        if comm.rank == 0:
            print(f"error: {error}", file=sys.stderr, flush=True)
        comm.Barrier()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
