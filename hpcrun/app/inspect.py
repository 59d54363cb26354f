"""Use case: the passport of an image or of a host's MPI stack; runs neither."""

from collections.abc import Sequence
from pathlib import Path

from hpcrun.errors import InputError, MissingInputError
from hpcrun.model.image import ImageFacts, StackFacts


def inspect(image: Path, *, command: Sequence[str] | None = None) -> ImageFacts:
    """Read the passport of a SIF or an unpacked image; `command` is looked up inside it."""
    from hpcrun.image import read_image

    if not image.exists():
        raise MissingInputError(f"there is no image `{image}`")
    return read_image(image, command=command)


def inspect_host(prefix: Path) -> StackFacts:
    """Read the passport of one MPI installation of this host."""
    from hpcrun.image import read_stack

    facts = read_stack(prefix)
    if not facts.libraries:
        raise InputError(
            f"no MPI library below `{prefix}`",
            help=["name the folder that holds `bin` and `lib` of one MPI installation"],
        )
    return facts
