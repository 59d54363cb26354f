"""Reads images and host MPI installations, never runs them; does not judge them."""

from typing import TYPE_CHECKING, Any

from hpcrun.image.errors import ImageError, UnsupportedError
from hpcrun.image.mounts import Mount, Surroundings
from hpcrun.image.passport import read_image

if TYPE_CHECKING:
    from hpcrun.image.stack import read_stack

__all__ = [
    "ImageError",
    "Mount",
    "Surroundings",
    "UnsupportedError",
    "read_image",
    "read_stack",
]


def __getattr__(name: str) -> Any:
    """Import the reader of host stacks where it is asked for: most commands read none."""
    if name != "read_stack":
        raise AttributeError(name)
    from hpcrun.image.stack import read_stack

    return read_stack
