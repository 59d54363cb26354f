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
from pathlib import Path

import nifti
import numpy as np
from domain import Slab
from errors import RegistrationError
from levels import Images, register
from measure import Yardstick
from mpi4py import MPI
from report import Log, write_results


def run(arguments, comm):
    """Read, register, measure, write."""
    log = Log(comm, time.perf_counter())
    header = read_headers(arguments)
    slab = Slab.share_of(comm, header.shape[0])
    images = read_images(arguments, slab, header)
    yardstick = Yardstick(images, read_true_field(arguments, slab), header.voxel_mm)
    log.start(header, images)

    displacement = np.zeros((3, *images.fixed.shape))
    before = after = yardstick.measure(displacement)
    log.row("start", "", before)
    for number, (grid, displacement) in enumerate(register(images), start=1):
        after = yardstick.measure(displacement)
        log.row(f"level {number}", nifti.format_shape(grid.n_nodes), after)

    write_results(arguments.output, header, images, displacement)
    log.finish(arguments.output, before, after)


def read_headers(arguments):
    """Return the header that all files share; refuse files that do not fit together."""
    header = nifti.read_header(arguments.fixed)
    for path in filter(None, (arguments.moving, arguments.true_field)):
        if nifti.read_header(path).shape != header.shape:
            raise RegistrationError(f"`{path}` has another shape than `{arguments.fixed}`")
    return header


def read_images(arguments, slab, header):
    """Read this rank's slices of both images."""
    halo = int(np.ceil(arguments.max_displacement_mm / header.voxel_mm)) + 1
    slab.require_thickness(halo, f"a displacement of up to {arguments.max_displacement_mm:g} mm")
    fixed = nifti.read_slices(arguments.fixed, slab.start, slab.stop)
    moving = nifti.read_slices(arguments.moving, slab.start, slab.stop)
    return Images(slab, fixed, moving, halo)


def read_true_field(arguments, slab):
    """Read this rank's slices of the known displacement, if there is one."""
    if arguments.true_field is None:
        return None
    return nifti.read_slices(arguments.true_field, slab.start, slab.stop)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fixed", type=Path, required=True, help="image to reach (.nii)")
    parser.add_argument("--moving", type=Path, required=True, help="image to displace (.nii)")
    parser.add_argument("--true-field", type=Path, help="known displacement, to measure the error")
    parser.add_argument("--output", type=Path, default=Path(), help="folder for the results")
    bound = "largest displacement to expect; it sets the halo (default 16)"
    parser.add_argument("--max-displacement-mm", type=float, default=16, help=bound)
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
