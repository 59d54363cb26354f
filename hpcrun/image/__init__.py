"""Reads images and host MPI installations, never runs them; does not judge them."""

from hpcrun.image.errors import ImageError, UnsupportedError
from hpcrun.image.passport import read_image
from hpcrun.image.program import MountedProgram
from hpcrun.image.stack import read_stack

__all__ = ["ImageError", "MountedProgram", "UnsupportedError", "read_image", "read_stack"]
