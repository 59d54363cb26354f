"""Use case: read what an image or a host MPI stack holds, without running it; does not judge it."""

from collections.abc import Sequence
from pathlib import Path

from hpcrun.errors import MissingInputError
from hpcrun.image import read_image, read_stack
from hpcrun.model.image import ImageFacts, StackFacts


def inspect(
    image: Path | str, *, command: Sequence[str] | None = None, full_digest: bool = False
) -> ImageFacts:
    """Read the passport of an image; with a command, also of the program that it names."""
    path = Path(image)
    if not path.exists():
        raise MissingInputError(f"there is no image `{path}`")
    return read_image(path, command=command, full_digest=full_digest)


def inspect_host(prefix: Path | str) -> StackFacts:
    """Read the passport of a host MPI stack."""
    path = Path(prefix)
    if not path.is_dir():
        raise MissingInputError(
            f"there is no folder `{path}`", help=("name the prefix, such as /opt/openmpi-5.0.7",)
        )
    return read_stack(path)
