"""An open image as all its openers hand it on; opens nothing itself."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from hpcrun.image.tree import Node
from hpcrun.model.base import UNKNOWN
from hpcrun.model.container import ContainerFacts, ImageKind


class Outside(NamedTuple):
    """What an image is from the outside; the fields are named as those of ImageFacts."""

    kind: ImageKind
    size_bytes: int
    mtime_ns: int
    digest: str
    layout: str
    """The digest that costs little, also where `digest` is of the whole file."""
    describe: Callable[[], ContainerFacts]
    """Reads what it says of itself; not asked where its passport is remembered."""

    @property
    def facts(self) -> dict[str, object]:
        """Those fields of ImageFacts."""
        fields = self._asdict()
        del fields["layout"], fields["describe"]
        return fields


class OpenedImage(NamedTuple):
    """An open image; its tree can be walked while it stays open."""

    outside: Outside
    root: Node | None
    """The root folder inside; None where it cannot be read."""
    unread: str = ""
    """Why there is no root."""
    note: str = ""
    """What of the file is not told beside that."""
    environment: Mapping[str, str] = MappingProxyType({})
    """Variables that the container gets beside those of scripts in the tree."""
    identity: bytes | None = None
    """What must be the same, beside the digest, for facts read earlier to hold; None: none do."""


def declared_arch(container: ContainerFacts) -> str:
    """Return the architecture that the image says it is for: the first place that names one."""
    return next((told.value for told in container.declared_archs), UNKNOWN)
