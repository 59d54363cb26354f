"""Definitions of images that a job names in place of an image; does not build them."""

import re
from pathlib import Path

from hpcrun.compat.evidence import in_profile, listed
from hpcrun.errors import InputError
from hpcrun.model.base import is_known
from hpcrun.model.diagnostic import Confidence, Help, Role
from hpcrun.model.job import ImageRef, Job
from hpcrun.model.site import Site
from hpcrun.planner.diagnose import diagnose

_HEAD_BYTES = 4096
_BEGINS = re.compile(rb"(?mi)^[ \t]*(bootstrap[ \t]*:|from[ \t]+\S+)")
"""First words of an Apptainer definition and of a Dockerfile, after comments."""


def is_definition(path: Path) -> bool:
    """Whether a file is the recipe for an image: an Apptainer definition or a Dockerfile."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:
        return False
    lines = (line.strip() for line in head.splitlines())
    first = next((line for line in lines if line and not line.startswith(b"#")), b"")
    return b"\0" not in head and _BEGINS.match(first) is not None


def unbuilt(job: Job, ref: ImageRef, site: Site | None) -> InputError:
    """Return the error that tells what the site allows, and what else to do."""
    name = Path(ref.ref).name
    found = [f"`image` of {job.file.name}"]
    message = f"`{name}` is a definition, not an image"
    build = site.images.build if site is not None else None
    helps = [_build_it(name)]
    if site is not None and build is not None and build.allowed is False:
        message = f"`{name}` is a definition, and the site does not build images"
        found.append(f"{in_profile(site, 'images.build.allowed')} is false")
        helps = [_elsewhere(name)]
    elif site is not None and build is not None and is_known(build.on) and build.on:
        found.append(f"{in_profile(site, 'images.build.on')}: {listed(build.on)}")
    if site is not None and site.images.instead:
        helps.insert(0, Help(text=site.images.instead, confidence=Confidence.LIKELY))
    diagnostic = diagnose("HPR212", message, found=found)
    return InputError(message, diagnostics=(diagnostic.model_copy(update={"help": tuple(helps)}),))


def _build_it(name: str) -> Help:
    text = f"build it first: `apptainer build image.sif {name}`, then `image: image.sif`"
    return Help(text=text, role=Role.USER, confidence=Confidence.LIKELY)


def _elsewhere(name: str) -> Help:
    text = f"build it where you may, `apptainer build image.sif {name}`, and copy the image there"
    return Help(text=text, role=Role.USER, confidence=Confidence.LIKELY)
