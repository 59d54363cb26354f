"""NIfTI-1 files (`.nii`, not compressed), read and written by slices.

Does not hold a whole volume: each rank reads, and later writes, only the slices of its slab. In a
NIfTI file x runs fastest, so a range of z slices is one contiguous range of bytes; in numpy the
same bytes are an array `(z, y, x)`. Layout: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from errors import RegistrationError

HEADER_BYTES = 352  # 348 of the header, then 4 that say that no extension follows
DTYPES = {2: "u1", 4: "<i2", 16: "<f4", 64: "<f8"}
CODES = {np.dtype(name): code for code, name in DTYPES.items()}
INTENT_VECTOR = 1007


@dataclass(frozen=True)
class Header:
    """What the program needs of a header; `shape` is (z, y, x)."""

    shape: tuple[int, int, int]
    voxel_mm: float
    origin_mm: tuple[float, float, float]
    dtype: np.dtype
    n_components: int = 1  # 3 for a vector field

    @property
    def slice_bytes(self):
        return self.shape[1] * self.shape[2] * self.dtype.itemsize

    @property
    def component_bytes(self):
        return self.shape[0] * self.slice_bytes

    @property
    def file_bytes(self):
        return HEADER_BYTES + self.n_components * self.component_bytes

    def offset_of(self, component, slice_index):
        """Where in the file one slice of one component begins."""
        return HEADER_BYTES + component * self.component_bytes + slice_index * self.slice_bytes


def parse_header(raw, name):
    """Read the fields of the first 352 bytes of a file."""
    if len(raw) < HEADER_BYTES or raw[344:348] != b"n+1\0":
        raise RegistrationError(f"`{name}` is not a NIfTI-1 file (.nii)")
    dim = struct.unpack("<8h", raw[40:56])
    (code,) = struct.unpack("<h", raw[70:72])
    pixdim = struct.unpack("<8f", raw[76:108])
    (offset,) = struct.unpack("<f", raw[108:112])
    if code not in DTYPES or int(offset) != HEADER_BYTES:
        raise RegistrationError(
            f"`{name}` has data type {code} and offset {offset:g}, which are not supported"
        )
    rows = struct.unpack("<12f", raw[280:328])
    return Header(
        shape=(dim[3], dim[2], dim[1]),
        voxel_mm=pixdim[1],
        origin_mm=(rows[3], rows[7], rows[11]),
        dtype=np.dtype(DTYPES[code]),
        n_components=dim[5] if dim[0] == 5 else 1,  # noqa: PLR2004  the fifth dimension counts components
    )


def format_header(header):
    """Turn the fields into the first 352 bytes of a file."""
    nz, ny, nx = header.shape
    raw = bytearray(HEADER_BYTES)
    is_vector = header.n_components > 1
    struct.pack_into("<i", raw, 0, 348)
    struct.pack_into(
        "<8h", raw, 40, 5 if is_vector else 3, nx, ny, nz, 1, header.n_components, 1, 1
    )
    struct.pack_into("<h", raw, 68, INTENT_VECTOR if is_vector else 0)
    struct.pack_into("<2h", raw, 70, CODES[header.dtype], 8 * header.dtype.itemsize)
    struct.pack_into("<8f", raw, 76, 1, *[header.voxel_mm] * 3, 1, 1, 1, 1)
    struct.pack_into("<3f", raw, 108, HEADER_BYTES, 1, 0)  # offset of the data, slope, intercept
    raw[123] = 2  # units: millimetres
    struct.pack_into("<h", raw, 254, 2)  # sform code: aligned to a template
    for row in range(3):
        values = [0.0, 0.0, 0.0, header.origin_mm[row]]
        values[row] = header.voxel_mm
        struct.pack_into("<4f", raw, 280 + 16 * row, *values)
    raw[344:348] = b"n+1\0"
    return bytes(raw)


def read_header(path):
    """Read the header, and see that the file is as long as it says."""
    if not Path(path).is_file():
        raise RegistrationError(f"there is no file `{path}`: prepare.py makes the example's input")
    with Path(path).open("rb") as file:
        header = parse_header(file.read(HEADER_BYTES), path)
    missing = header.file_bytes - Path(path).stat().st_size
    if missing > 0:
        raise RegistrationError(f"`{path}` is cut short: {missing} bytes are missing at its end")
    return header


def read_slices(path, start, stop):
    """Read slices `start` to `stop` as float64; `(3, z, y, x)` for a vector field."""
    header = read_header(path)
    shape = (stop - start, *header.shape[1:])
    components = []
    with Path(path).open("rb") as file:
        for component in range(header.n_components):
            file.seek(header.offset_of(component, start))
            values = np.fromfile(file, header.dtype, int(np.prod(shape)))
            components.append(values.reshape(shape).astype(np.float64))
    return components[0] if header.n_components == 1 else np.stack(components)


def create(path, header):
    """Make a file of full size with its header; one rank does this, before all write."""
    with Path(path).open("wb") as file:
        file.write(format_header(header))
        file.truncate(header.file_bytes)


def write_slices(path, header, start, values):
    """Fill slices from `start` on of a file that `create` made; ranks write side by side."""
    components = values[np.newaxis] if header.n_components == 1 else values
    with Path(path).open("r+b") as file:
        for index, component in enumerate(components):
            file.seek(header.offset_of(index, start))
            file.write(np.ascontiguousarray(component, header.dtype).tobytes())


def format_shape(shape):
    """Say a shape (z, y, x) in the order in which people say it."""
    return "x".join(str(n) for n in reversed(shape))
