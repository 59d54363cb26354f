"""The part of a passport's page that tells what the image is from the outside; does not print."""

from hpcrun.model.container import ImageKind
from hpcrun.model.image import ImageFacts
from hpcrun.report.page import Section, pair, section

_MEBI = 1 << 20
_KINDS: dict[ImageKind, str] = {
    "sif": "SIF",
    "squashfs": "squashfs",
    "folder": "unpacked image",
    "oci-layout": "OCI layout",
    "docker-archive": "docker archive",
    "oci-archive": "OCI archive",
}


def format_title(facts: ImageFacts) -> str:
    """Return the page's first line: which image, of which kind, how large."""
    size = f", {facts.size_bytes / _MEBI:.0f} MiB" if facts.size_bytes else ""
    return f"{facts.path}: {_KINDS[facts.kind]}{size}"


def container_sections(facts: ImageFacts) -> list[Section]:
    """Say what tells this image from others."""
    return [section("image", [pair("digest", facts.digest)])]
