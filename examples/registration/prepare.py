#!/usr/bin/env python3
"""Make the example's input: the MNI152 T1 brain, a warped copy of it, and the field that warped it.

    python3 prepare.py nilearn-0.14.1-py3-none-any.whl data

The brain is read out of the wheel of `nilearn`, which carries
it. Runs once, on one processor; needs only numpy. Does not register anything.
"""

import argparse
import gzip
import zipfile
from pathlib import Path

import nifti
import numpy as np
import truth
from image import interpolate

BRAIN = "nilearn/datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


def read_brain(wheel):
    """Return header and voxels (of 1 mm) of the brain inside the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        raw = gzip.decompress(archive.read(BRAIN))
    header = nifti.parse_header(raw[: nifti.HEADER_BYTES], BRAIN)
    values = np.frombuffer(raw, header.dtype, offset=nifti.HEADER_BYTES)
    return header, values.reshape(header.shape).astype(np.float64)


def block_means(image, edge):
    """Mean of the `edge`³ voxels from each voxel on: at every voxel where such a block fits."""
    for axis in range(3):
        n = image.shape[axis] - edge + 1
        image = sum(image.take(range(i, i + n), axis) for i in range(edge)) / edge
    return image


def main():
    arguments = parse_arguments()
    edge = arguments.voxel_mm
    whole, brain = read_brain(arguments.wheel)
    means = block_means(brain, edge)
    fixed = means[::edge, ::edge, ::edge]

    # Block i along an axis covers the 1 mm voxels i * edge to i * edge + edge - 1.
    first = [edge * np.arange(n) for n in fixed.shape]
    centre = (edge - 1) / 2
    lengths_mm = [n - 1 for n in brain.shape]
    relative = [(f + centre) / length for f, length in zip(first, lengths_mm, strict=True)]
    grid = np.meshgrid(*relative, indexing="ij", sparse=True)
    field = truth.displacement_mm(*grid)
    came_from = truth.inverse_mm(*grid, lengths_mm)
    starts = np.meshgrid(*first, indexing="ij", sparse=True)
    moving = interpolate(means, [s + c for s, c in zip(starts, came_from, strict=True)])

    origin_mm = tuple(value + centre for value in whole.origin_mm)
    write(arguments.folder / "fixed.nii", fixed, edge, origin_mm)
    write(arguments.folder / "moving.nii", moving, edge, origin_mm)
    write(arguments.folder / "true_field.nii", field[::-1], edge, origin_mm)  # in files: x, y, z
    mean_mm = np.sqrt((field**2).sum(axis=0))[fixed > 0].mean()
    print(f"fixed.nii, moving.nii and true_field.nii are in {arguments.folder}")
    shape = nifti.format_shape(fixed.shape)
    print(f"{shape} voxels of {edge} mm, the brain displaced by {mean_mm:.2f} mm on average")


def write(path, values, voxel_mm, origin_mm):
    path.parent.mkdir(parents=True, exist_ok=True)
    n_components = values.shape[0] if values.ndim > 3 else 1  # noqa: PLR2004  a vector has one axis more
    header = nifti.Header(values.shape[-3:], voxel_mm, origin_mm, np.dtype("<f4"), n_components)
    nifti.create(path, header)
    nifti.write_slices(path, header, 0, values)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="the wheel of nilearn, as pip downloads it")
    parser.add_argument("folder", type=Path, help="where to write the three files")
    parser.add_argument("--voxel-mm", type=int, default=2, help="edge of a voxel (default 2)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
