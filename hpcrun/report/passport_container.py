"""The part of a passport's page that tells what the image is from the outside; does not print."""

from hpcrun.model.container import ImageKind, Platform, Signature
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
    """Say what tells this image from others, and what it says of itself."""
    container = facts.container
    lines = [pair("digest", facts.digest)]
    if container.dates:
        first = container.dates[0]
        lines.append(pair("made", f"{first.value} ({first.evidence})"))
    if container.file_system is not None:
        held = container.file_system
        lines.append(
            pair("file system", f"{held.format}, {held.compression}, {held.n_inodes} inodes")
        )
    if len(container.platforms) > 1:
        lines.append(pair("variants", ", ".join(map(_platform, container.platforms))))
    if container.layers:
        lines.append(pair("layers", str(len(container.layers))))
    lines += [
        pair("signature", f"of {_signed(each)}, by {each.fingerprint}, not verified")
        for each in container.signatures
    ]
    if facts.kind == "folder" and container.apptainer is None:
        lines.append(pair("built by", "not Apptainer: `--nv` sets no LD_LIBRARY_PATH in it"))
    return [section("image", lines)]


def _signed(signature: Signature) -> str:
    if not isinstance(signature.objects, tuple) or not signature.objects:
        return signature.covers
    numbers = ", ".join(map(str, signature.objects))
    return f"object{'s' if len(signature.objects) > 1 else ''} {numbers} of {signature.covers}"


def _platform(platform: Platform) -> str:
    name = "/".join(part for part in (platform.os, platform.arch, platform.variant) if part)
    return f"{name} (this one)" if platform.is_chosen else name
