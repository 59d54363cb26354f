"""SIF header and descriptors: what is told, and that lies are named."""

import struct

import pytest

from hpcrun.image.errors import ImageError
from hpcrun.image.sif import FileSystem, Partition, read_sif
from tests.fakes.memory_file import opened
from tests.fakes.sif_builder import ARM64, DATA, DATA_AT, EXT3, PRIMARY, build_sif


def test_sif_of_arm64_tells_architecture_and_primary_partition() -> None:
    with opened(build_sif(b"x" * 5000, arch=ARM64)) as file:
        sif = read_sif(file)
    expected = Partition(DATA_AT + 4096, 5000, FileSystem.SQUASHFS, PRIMARY, arch_code="04")
    assert sif.arch_code == "04"
    assert sif.primary == expected
    assert expected.is_primary


def test_sif_with_data_partition_only_has_no_primary() -> None:
    with opened(build_sif(b"x", part_type=DATA)) as file:
        assert read_sif(file).primary is None


def test_sif_with_ext3_is_told_as_such() -> None:
    with opened(build_sif(b"x", file_system=EXT3)) as file:
        primary = read_sif(file).primary
    assert primary is not None
    assert primary.file_system == FileSystem.EXT3


def test_sif_cut_off_in_partition_says_so() -> None:
    image = build_sif(b"x" * 5000)
    with opened(image[:-1]) as file, pytest.raises(ImageError, match="has only") as caught:
        read_sif(file)
    assert "cut off" in caught.value.help[0]


@pytest.mark.parametrize("length", [0, 10, 127, 128, 5000])
def test_sif_cut_off_in_head_is_an_image_error(length: int) -> None:
    with opened(build_sif(b"x")[:length]) as file, pytest.raises(ImageError):
        read_sif(file)


@pytest.mark.parametrize(
    ("offset", "value", "said"),
    [
        (88, -1, "-1 descriptors"),
        (88, 1 << 40, "descriptors"),
        (104, 1 << 40, "claims"),
        (104, 1, "claims"),
        (96, 0, "overlap"),
        (96, 1 << 60, "cut off"),
        (96, -5, "overlap"),
    ],
)
def test_sif_with_lying_header_names_the_lie(offset: int, value: int, said: str) -> None:
    image = bytearray(build_sif(b"x"))
    struct.pack_into("<q", image, offset, value)
    with opened(bytes(image)) as file, pytest.raises(ImageError, match=said):
        read_sif(file)


def test_other_file_is_not_a_sif() -> None:
    with opened(b"\x7fELF" + bytes(300)) as file, pytest.raises(ImageError, match="not a SIF"):
        read_sif(file)


def test_sif_of_other_version_is_refused() -> None:
    image = build_sif(b"x").replace(b"SIF_MAGIC\x0001", b"SIF_MAGIC\x0002", 1)
    with opened(image) as file, pytest.raises(ImageError, match="version"):
        read_sif(file)
