"""The picture holds the middle slices, and its bytes are a PNG."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.examples.conftest import Load
from tests.unit.examples.thread_ranks import on_ranks

VOLUME = np.random.default_rng(5).random((13, 8, 20))


@pytest.mark.parametrize("size", [1, 2, 4])
def test_middle_slices_come_together_on_rank_0_alone(load: Load, size: int) -> None:
    domain, picture = load("domain"), load("picture")

    def program(comm: Any) -> Any:
        slab = domain.Slab.share_of(comm, len(VOLUME))
        return picture.middle_slices(slab, VOLUME[slab.start : slab.stop])

    views, *others = on_ranks(size, program)
    assert others == [None] * (size - 1)
    for view, expected in zip(views, (VOLUME[:, :, 9], VOLUME[:, 4], VOLUME[6]), strict=True):
        assert np.array_equal(view, expected[::-1])


def test_png_decodes_to_the_pixels(load: Load, tmp_path: Path) -> None:
    picture = load("picture")
    pixels = np.random.default_rng(6).integers(0, 256, (7, 5, 3)).astype(np.uint8)
    picture.write_png(tmp_path / "a.png", pixels)
    raw = (tmp_path / "a.png").read_bytes()
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = {}, 8
    while place < len(raw):
        (length,) = struct.unpack_from(">I", raw, place)
        kind, data = raw[place + 4 : place + 8], raw[place + 8 : place + 8 + length]
        (check,) = struct.unpack_from(">I", raw, place + 8 + length)
        assert check == zlib.crc32(kind + data)
        chunks[kind] = data
        place += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">2I5B", chunks[b"IHDR"]) == (5, 7, 8, 2, 0, 0, 0)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(7, 16)
    assert np.array_equal(rows[:, 1:].reshape(7, 5, 3), pixels)


def test_agreement_is_black_and_disagreement_coloured_by_its_sign(load: Load) -> None:
    picture = load("picture")
    same, brighter, darker = picture.signed(np.array([0.0, 1.0, -1.0]), 1.0)
    assert same.tolist() == [0, 0, 0]
    assert brighter[0] > brighter[2]
    assert darker[2] > darker[0]
