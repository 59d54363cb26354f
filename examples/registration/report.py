"""What a registration leaves: lines of progress, the field, the picture, the figures.

Does not compute any of them.
"""

import json
import time

import nifti
import numpy as np
import picture
from mpi4py import MPI


class Log:
    """Lines that rank 0 prints, and the figures kept for `result.json`."""

    def __init__(self, comm, started_s):
        self.comm = comm
        self.started_s = started_s
        self.n_rows = 0
        self.places = comm.gather((comm.rank, MPI.Get_processor_name()), root=0)

    def say(self, text):
        if self.comm.rank == 0:
            print(text, flush=True)

    def elapsed_s(self):
        return time.perf_counter() - self.started_s

    def start(self, data):
        slices = self.comm.gather((data.slab.start, data.slab.stop), root=0)
        if self.comm.rank == 0:
            hosts = sorted({host for _, host in self.places})
            self.say(f"{self.comm.size} ranks on {len(hosts)} nodes ({', '.join(hosts)})")
            self.say(MPI.Get_library_version().splitlines()[0])
            shape = nifti.format_shape(data.header.shape)
            shares = ", ".join(f"{first}-{stop - 1}" for first, stop in slices)
            self.say(f"{shape} voxels of {data.header.voxel_mm:g} mm, slices {shares}")
            self.say(f"each rank sees {data.halo} slices of its neighbours besides its own")
        self.say(f"\n{'':10}{'nodes':>12}{'correlation':>14}{'endpoint error':>17}{'time':>10}")

    def row(self, name, nodes, figures):
        error_mm = figures.get("endpoint_error_mm")
        error = "" if error_mm is None else f"{error_mm:.3f} mm"
        time_s = f"{self.elapsed_s():.1f} s"
        self.say(f"{name:10}{nodes:>12}{figures['correlation']:>14.4f}{error:>17}{time_s:>10}")
        self.n_rows += 1

    def finish(self, folder, data, before, after):
        gain = after["correlation"] - before["correlation"]
        self.say(
            f"\ncorrelation {before['correlation']:.4f} before, {after['correlation']:.4f} after: "
            f"risen by {gain:.4f}"
        )
        if "endpoint_error_mm" in before:
            start_mm, end_mm = before["endpoint_error_mm"], after["endpoint_error_mm"]
            self.say(
                f"endpoint error {start_mm:.3f} mm before, {end_mm:.3f} mm after: "
                f"down by {100 * (1 - end_mm / start_mm):.1f} %"
            )
        results = {
            "ranks": self.comm.size,
            "mpi_library": MPI.Get_library_version().splitlines()[0],
            "before": before,
            "after": after,
            "elapsed_s": round(self.elapsed_s(), 3),
        }
        if self.comm.rank == 0:
            results["hosts"] = [host for _, host in self.places]
            (folder / "result.json").write_text(json.dumps(results, indent=2) + "\n")
        self.say(f"field.nii, registered.nii, result.png and result.json are in {folder}")


def write(folder, data, displacement, warped):
    """Write field and registered image slab by slab, and the picture."""
    slab, source = data.slab, data.header
    field_mm = displacement[::-1] * source.voxel_mm  # in the file: x, y, z
    views = [picture.middle_slices(slab, image) for image in (data.fixed, data.moving, warped)]
    vectors = nifti.Header(source.shape, source.voxel_mm, source.origin_mm, np.dtype("<f8"), 3)
    image = nifti.Header(source.shape, source.voxel_mm, source.origin_mm, np.dtype("<f4"))
    if slab.comm.rank == 0:
        folder.mkdir(parents=True, exist_ok=True)
        nifti.create(folder / "field.nii", vectors)
        nifti.create(folder / "registered.nii", image)
        picture.write_png(folder / "result.png", picture.compose(*views))
    slab.comm.Barrier()
    nifti.write_slices(folder / "field.nii", vectors, slab.start, field_mm)
    nifti.write_slices(folder / "registered.nii", image, slab.start, warped)
    slab.comm.Barrier()
