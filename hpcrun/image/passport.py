"""An image's passport: remembered, or read of the open image.

Does not judge anything and never runs the image; open_image.py opens it, tree_facts.py reads it.
"""

from collections.abc import Sequence
from pathlib import Path

from hpcrun.image.errors import ImageError
from hpcrun.image.mounts import Surroundings
from hpcrun.image.open_image import open_image
from hpcrun.image.opened import OpenedImage, declared_arch
from hpcrun.image.recall import keep_passport, passport_key, recall_passport
from hpcrun.model.image import ImageFacts, Program
from hpcrun.model.memory import Memory


def read_image(  # noqa: PLR0913  each tells one thing about the same reading
    path: Path,
    *,
    command: Sequence[str] | None = None,
    around: Surroundings | None = None,
    arch: str | None = None,
    full_digest: bool = False,
    memory: Memory | None = None,
) -> ImageFacts:
    """Read the passport of an image of any kind.

    Args:
        command: the job's command; it is followed inside the image.
        around: what the job mounts into the container, and where it starts.
        arch: which variant of a multi-architecture image, as `uname -m` says.
        full_digest: hash the whole file (0.6 s per 300 MB) and not just what tells it from others.
        memory: where facts read earlier are, and these may be kept.
    """
    around = around or Surroundings()
    with open_image(path, arch=arch, full_digest=full_digest, memory=memory) as image:
        key = passport_key(image, command, around) if memory is not None else None
        if memory is None or key is None:
            return _read_opened(path, image, command, around)
        facts = recall_passport(memory, key, path, image)
        if facts is None:
            facts = _read_opened(path, image, command, around)
            if facts.is_complete:
                # What was missing may be there next time: a decoder, room for a temporary file.
                keep_passport(memory, key, facts)
        return facts


def _read_opened(
    path: Path, opened: OpenedImage, command: Sequence[str] | None, around: Surroundings
) -> ImageFacts:
    image = _with_readable_root(opened)
    if image.root is None:
        return _unread(path, image, command)
    from hpcrun.image.tree_facts import Sought, read_tree_facts

    return read_tree_facts(path, image, image.root, Sought(command, around))


def _with_readable_root(image: OpenedImage) -> OpenedImage:
    """Look into the root once: where that fails nothing inside can be told."""
    try:
        if image.root is not None:
            image.root.entries()
    except ImageError as exc:
        return image._replace(root=None, unread="; ".join((exc.message, *exc.help)))
    return image


def _unread(path: Path, image: OpenedImage, command: Sequence[str] | None) -> ImageFacts:
    container = image.outside.describe()
    return ImageFacts.model_validate(
        {
            "path": path.absolute(),
            **image.outside.facts,
            "container": container,
            "declared_arch": declared_arch(container),
            "program": Program(argv0=command[0], path=None) if command else None,
            "is_complete": False,
            "unread": (image.unread,),
        }
    )
