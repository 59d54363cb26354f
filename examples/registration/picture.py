"""The picture of a registration: middle slices, before and after, with the differences, as PNG.

Columns: fixed image, moving image before, the same after, difference before, difference after.
Rows: seen from the side, from the front, from above. Does not gather volumes: only three slices
travel to rank 0.
"""

import struct
import zlib
from pathlib import Path

import numpy as np

ENLARGEMENT = 2
GAP = 6  # pixels between the panels
GROUP_GAP = 18  # pixels between images and differences
BACKGROUND = 24
GAMMA = 1.7  # sets white and grey matter apart


def middle_slices(slab, image):
    """Gather the three middle slices on rank 0, top of the head up; other ranks get None."""
    _, n_y, n_x = image.shape
    middle = slab.total // 2
    off_middle = n_x * 9 // 20  # beside the gap between the halves of the brain
    holds_middle = slab.start <= middle < slab.stop
    axial = image[middle - slab.start] if holds_middle else None
    parts = slab.comm.gather((image[:, :, off_middle], image[:, n_y // 2], axial), root=0)
    if parts is None:
        return None
    sagittal = np.concatenate([part[0] for part in parts])
    coronal = np.concatenate([part[1] for part in parts])
    (axial,) = [part[2] for part in parts if part[2] is not None]
    return [view[::-1] for view in (sagittal, coronal, axial)]


def grey(view, top):
    level = np.clip(view / top, 0, 1) ** GAMMA * 255
    return np.repeat(level[..., None], 3, axis=-1)


def signed(difference, top):
    """Black where the images agree, orange where the fixed one is brighter, blue where darker."""
    level = np.clip(difference / top, -1, 1)[..., None]
    return 255 * np.where(level > 0, level * [1.0, 0.62, 0.15], -level * [0.2, 0.6, 1.0])


def compose(fixed, before, after):
    """Lay the panels out; each argument is the list of views that `middle_slices` gives."""
    top = max(view.max() for view in fixed)
    rows = []
    for f, b, a in zip(fixed, before, after, strict=True):
        panels = [grey(f, top), grey(b, top), grey(a, top)]
        panels += [signed(f - b, top / 2), signed(f - a, top / 2)]
        rows.append([enlarge(panel) for panel in panels])
    width = max(row[0].shape[1] for row in rows)
    lines = []
    for row in rows:
        lines += [line(row, width), blank(GAP, line(row, width).shape[1])]
    return np.concatenate([blank(GAP, lines[0].shape[1]), *lines]).astype(np.uint8)


def line(panels, width):
    """Put the panels of one view side by side, each in the middle of its column."""
    height = panels[0].shape[0]
    parts = [blank(height, GAP)]
    for index, panel in enumerate(panels):
        left = (width - panel.shape[1]) // 2
        cell = np.zeros((height, width, 3))
        cell[:, left : left + panel.shape[1]] = panel
        parts += [cell, blank(height, GROUP_GAP if index == 2 else GAP)]  # noqa: PLR2004  after the images
    return np.concatenate(parts, axis=1)


def blank(height, width):
    return np.full((height, width, 3), float(BACKGROUND))


def enlarge(panel):
    return panel.repeat(ENLARGEMENT, axis=0).repeat(ENLARGEMENT, axis=1)


def write_png(path, pixels):
    """Write 8-bit RGB pixels. Format: https://www.w3.org/TR/png-3/."""
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*c) for c in chunks))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
