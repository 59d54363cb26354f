"""What a registration leaves: lines of progress, the field, the picture, the figures.

Does not compute any of them.
"""

import json
import time
from dataclasses import replace

import nifti
import numpy as np
import picture
from mpi4py import MPI


def library_name():
    """Name and version of the MPI library that runs, as it says itself."""
    first_line = MPI.Get_library_version().splitlines()[0]
    return " ".join(first_line.split(",")[0].split())


class Log:
    """Lines that rank 0 prints, and the figures kept for `result.json`."""

    def __init__(self, comm, started_s):
        self.comm = comm
        self.started_s = started_s
        self.hosts = comm.gather(MPI.Get_processor_name(), root=0)
        self.slices = None

    def say(self, text):
        if self.comm.rank == 0:
            print(text, flush=True)

    def elapsed_s(self):
        return time.perf_counter() - self.started_s

    def start(self, header, images):
        slab = images.slab
        self.slices = self.comm.gather((slab.start, slab.stop - 1), root=0)
        if self.comm.rank == 0:
            hosts = sorted(set(self.hosts))
            shares = ", ".join(f"{first}-{last}" for first, last in self.slices)
            self.say(f"{self.comm.size} ranks on {len(hosts)} nodes ({', '.join(hosts)})")
            self.say(library_name())
            self.say(f"{nifti.format_shape(header.shape)} voxels of {header.voxel_mm:g} mm")
            self.say(f"slices {shares}, and up to {images.halo} of each neighbour")
        self.say(f"\n{'':10}{'nodes':>12}{'correlation':>14}{'endpoint error':>17}{'time':>10}")

    def row(self, name, nodes, figures):
        error_mm = figures.get("endpoint_error_mm")
        error = "" if error_mm is None else f"{error_mm:.3f} mm"
        time_s = f"{self.elapsed_s():.1f} s"
        self.say(f"{name:10}{nodes:>12}{figures['correlation']:>14.4f}{error:>17}{time_s:>10}")

    def finish(self, folder, before, after):
        if self.comm.rank != 0:
            return
        first, last = before["correlation"], after["correlation"]
        self.say(f"\ncorrelation {first:.4f} before, {last:.4f} after: risen by {last - first:.4f}")
        if "endpoint_error_mm" in before:
            first_mm, last_mm = before["endpoint_error_mm"], after["endpoint_error_mm"]
            gain = f"down by {100 * (1 - last_mm / first_mm):.1f} %"
            self.say(f"endpoint error {first_mm:.3f} mm before, {last_mm:.3f} mm after: {gain}")
        result = {
            "n_ranks": self.comm.size,
            "hosts": self.hosts,
            "mpi_library": library_name(),
            "slices": self.slices,
            "before": before,
            "after": after,
            "elapsed_s": round(self.elapsed_s(), 3),
        }
        (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")
        self.say(f"field.nii, registered.nii, result.png and result.json are in {folder.resolve()}")


def write_results(folder, header, images, displacement):
    """Write the field and the registered image slab by slab, and the picture."""
    slab = images.slab
    registered = images.displaced(displacement)
    views = [
        picture.middle_slices(slab, image) for image in (images.fixed, images.moving, registered)
    ]
    vectors = replace(header, dtype=np.dtype("<f8"), n_components=3)
    if slab.comm.rank == 0:
        folder.mkdir(parents=True, exist_ok=True)
        nifti.create(folder / "field.nii", vectors)
        nifti.create(folder / "registered.nii", header)
        picture.write_png(folder / "result.png", picture.compose(*views))
    slab.comm.Barrier()
    field_mm = displacement[::-1] * header.voxel_mm  # in the file: x, y, z
    nifti.write_slices(folder / "field.nii", vectors, slab.start, field_mm)
    nifti.write_slices(folder / "registered.nii", header, slab.start, registered)
    slab.comm.Barrier()
