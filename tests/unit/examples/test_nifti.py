"""NIfTI files written slab by slab are what a reader of slabs, or of the whole, expects."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.examples.conftest import Load

VALUES = np.random.default_rng(4).random((3, 5, 6, 7))


@pytest.fixture
def field(load: Load, tmp_path: Path) -> Any:
    """Write a vector field by two slabs, the upper one first."""
    nifti = load("nifti")
    header = nifti.Header((5, 6, 7), 2.0, (-98.0, -134.0, -72.0), np.dtype("<f8"), 3)
    nifti.create(tmp_path / "field.nii", header)
    nifti.write_slices(tmp_path / "field.nii", header, 2, VALUES[:, 2:])
    nifti.write_slices(tmp_path / "field.nii", header, 0, VALUES[:, :2])
    return tmp_path / "field.nii", header


def test_field_written_by_slabs_is_read_by_other_slabs(load: Load, field: Any) -> None:
    nifti, (path, header) = load("nifti"), field
    assert nifti.read_header(path) == header
    assert np.array_equal(nifti.read_slices(path, 1, 4), VALUES[:, 1:4])


def test_field_file_has_the_bytes_of_the_standard(field: Any) -> None:
    """Offsets from nifti1.h: sizeof_hdr, dim, intent_code, datatype, vox_offset, magic."""
    raw = field[0].read_bytes()
    assert struct.unpack_from("<i", raw, 0) == (348,)
    assert struct.unpack_from("<8h", raw, 40) == (5, 7, 6, 5, 1, 3, 1, 1)
    assert struct.unpack_from("<h", raw, 68) == (1007,)
    assert struct.unpack_from("<h", raw, 70) == (64,)
    assert struct.unpack_from("<f", raw, 108) == (352.0,)
    assert raw[344:348] == b"n+1\0"
    assert len(raw) == 352 + 8 * VALUES.size
    assert struct.unpack_from("<d", raw, 352) == (VALUES[0, 0, 0, 0],)


def test_file_cut_short_is_refused_with_what_is_missing(load: Load, field: Any) -> None:
    nifti, errors, (path, _) = load("nifti"), load("errors"), field
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(errors.RegistrationError, match="10 bytes are missing"):
        nifti.read_header(path)


@pytest.mark.parametrize("raw", [b"", b"\x1f\x8b" + bytes(400)])
def test_other_file_is_refused(load: Load, tmp_path: Path, raw: bytes) -> None:
    nifti, errors = load("nifti"), load("errors")
    path = tmp_path / "other.nii"
    path.write_bytes(raw)
    with pytest.raises(errors.RegistrationError, match=r"other\.nii` is not a NIfTI-1 file"):
        nifti.read_header(path)


def test_missing_file_is_refused_with_what_makes_it(load: Load, tmp_path: Path) -> None:
    nifti, errors = load("nifti"), load("errors")
    with pytest.raises(errors.RegistrationError, match=r"there is no file .*prepare\.py"):
        nifti.read_header(tmp_path / "absent.nii")
