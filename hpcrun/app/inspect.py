"""Use case: the passport of an image or of a host's MPI stack; runs neither."""

import re
from collections.abc import Sequence
from pathlib import Path

from hpcrun.errors import InputError, MissingInputError, UsageError
from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.model.memory import Memory
from hpcrun.tables import architectures


def inspect(
    image: Path,
    *,
    command: Sequence[str] | None = None,
    arch: str | None = None,
    memory: Memory | None = None,
) -> ImageFacts:
    """Read the passport of an image of any kind.

    Args:
        command: is looked up inside it.
        arch: which variant of a multi-architecture image, as OCI or `uname -m` names it.
        memory: where facts read earlier are, and these may be kept.
    """
    from hpcrun.image import read_image

    if not image.exists():
        # A path has lost one slash of `docker://`.
        is_remote = re.match(r"[a-z]+:/", str(image)) is not None
        remedy = ["fetch it first: `apptainer pull image.sif ADDRESS`"] if is_remote else []
        raise MissingInputError(f"there is no image `{image}`", help=remedy)
    return read_image(image, command=command, arch=_uname(arch), memory=memory)


def _uname(arch: str | None) -> str | None:
    if arch is None:
        return None
    row = architectures().by_oci(arch) or architectures().by_uname(arch)
    if row is None:
        known = ", ".join(each.oci for each in architectures().rows)
        raise UsageError(f"`{arch}` is not an architecture that hpcrun knows: {known}")
    return row.uname


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
