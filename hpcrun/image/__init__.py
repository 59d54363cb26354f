"""Reads images and host MPI installations, never runs them; does not judge them."""

from hpcrun.image.errors import ImageError, UnsupportedError
from hpcrun.image.mounts import Mount, Surroundings
from hpcrun.image.passport import read_image
from hpcrun.image.stack import read_stack

__all__ = [
    "ImageError",
    "Mount",
    "Surroundings",
    "UnsupportedError",
    "read_image",
    "read_stack",
]
