"""Use case: read what a plan needs about images and host MPI stacks; does not judge it."""

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pydantic import ValidationError

from hpcrun.app.definitions import is_definition, unbuilt
from hpcrun.errors import InputError, MissingInputError
from hpcrun.model.base import is_known
from hpcrun.model.diagnostic import Confidence, Diagnostic, Help, Severity
from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.model.job import ImageRef, Job
from hpcrun.model.memory import Memory
from hpcrun.model.site import MpiStack, Site
from hpcrun.tables import architectures, rules

if TYPE_CHECKING:
    from hpcrun.image import Surroundings

PASSPORT_MAX = 16 << 20
"""That of a stack names all its symbols, a few hundred kB; one of an image is smaller."""


def read_passports(
    job: Job, *, site: Site | None = None, memory: Memory | None = None
) -> dict[str, ImageFacts]:
    """Read the passports of the job's image variants, by OCI architecture name.

    `memory` is where facts read earlier are, and these may be kept; `site` tells what to do about
    an image that has yet to be built.
    """
    for ref in (job.image.any_arch, *job.image.by_arch.values()):
        if ref is not None and is_definition(Path(ref.ref)):
            raise unbuilt(job, ref, site)
    if job.image.any_arch is not None:
        facts = _read_image(job, job.image.any_arch, memory)
        return {_oci_name(facts): facts}
    return {arch: _read_image(job, ref, memory) for arch, ref in job.image.by_arch.items()}


def load_passport(file: Path, job: Job) -> dict[str, ImageFacts]:
    """Load a passport that `hpcrun inspect --json` wrote, in place of reading the job's image."""
    try:
        facts = ImageFacts.model_validate_json(_read_bytes(file, "passport"))
    except ValidationError as exc:
        raise InputError(
            f"`{file}` is not the passport of an image: {exc.errors()[0]['msg'].lower()}",
            help=("`hpcrun inspect IMAGE --json > FILE` writes one",),
        ) from exc
    ref = job.image.any_arch
    if ref is not None and "://" not in ref.ref:
        facts = facts.model_copy(update={"path": Path(ref.ref)})
    return {_oci_name(facts): facts}


def read_stacks(site: Site) -> dict[str, StackFacts]:
    """Read what is known about the site's MPI stacks: their passports, else the stacks themselves.

    A stack that has no passport and is out of reach is left out; the planner then says that it
    knows nothing about it.
    """
    found = {name: _read_stack(site, stack) for name, stack in site.mpi_stacks.items()}
    return {name: facts for name, facts in found.items() if facts is not None}


def _read_image(job: Job, ref: ImageRef, memory: Memory | None) -> ImageFacts:
    from hpcrun.image import read_image

    if "://" in ref.ref:
        raise _unfetched(job, ref)
    path = Path(ref.ref)
    if not path.exists():
        raise MissingInputError(
            f"there is no image `{path}`",
            help=("check `image` of the job; a relative path starts at the job file's folder",),
        )
    full_digest = ref.sha256 is not None
    around = _surroundings(job)
    return read_image(path, command=job.argv, around=around, full_digest=full_digest, memory=memory)


def _surroundings(job: Job) -> "Surroundings":
    """Return what the job adds to the image: its working folder and its mounts."""
    from hpcrun.image import Mount, Surroundings

    workdir = PurePosixPath(job.workdir)
    own = [Mount(mount.container, mount.host) for mount in job.mounts]
    return Surroundings(workdir, (Mount(workdir, job.workdir), *own))


def _unfetched(job: Job, ref: ImageRef) -> InputError:
    rule = rules()["HPR210"]
    message = f"the image `{ref.ref}` is an address, not a file"
    diagnostic = Diagnostic(
        code=rule.code,
        rule=rule.name,
        severity=Severity.ERROR,
        message=message,
        found=(f"`image` of {job.file.name}",),
        help=(
            Help(
                text=f"fetch it first: `apptainer pull image.sif {ref.ref}`, "
                "then `image: image.sif`",
                confidence=Confidence.SURE,
            ),
        ),
    )
    return InputError(message, diagnostics=(diagnostic,))


def _oci_name(facts: ImageFacts) -> str:
    return architectures().oci_of(facts.arch)


def _read_stack(site: Site, stack: MpiStack) -> StackFacts | None:
    if stack.passport is not None and is_known(stack.passport):
        file = Path(stack.passport)
        if file.exists():
            return load_stack(file)
    if stack.prefix is not None and site.access.is_local and stack.prefix.is_dir():
        from hpcrun.image import read_stack

        return read_stack(stack.prefix)
    return None


def load_stack(file: Path) -> StackFacts:
    """Load the passport of an MPI stack that `hpcrun inspect --host` wrote."""
    try:
        facts = StackFacts.model_validate_json(_read_bytes(file, "stack passport"))
    except ValidationError as exc:
        raise InputError(
            f"`{file}` is not the passport of an MPI stack: {exc.errors()[0]['msg'].lower()}",
            help=("`hpcrun inspect --host PREFIX --json > FILE` writes one",),
        ) from exc
    if facts.digest is not None and facts.digest != facts.own_digest:
        raise InputError(
            f"the stack passport `{file}` was changed since it was written",
            help=("`hpcrun inspect --host PREFIX --json > FILE` writes it anew",),
        )
    return facts


def _read_bytes(file: Path, what: str) -> bytes:
    try:
        # Without O_NONBLOCK a named pipe would be waited on for ever.
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:  # noqa: PTH123
            content = stream.read(PASSPORT_MAX + 1)
    except FileNotFoundError as exc:
        raise MissingInputError(f"there is no {what} `{file}`") from exc
    except OSError as exc:
        raise InputError(f"cannot read the {what} `{file}`: {exc.strerror}") from exc
    if len(content) > PASSPORT_MAX:
        raise InputError(f"the {what} `{file}` is larger than {PASSPORT_MAX >> 20} MiB")
    return content


def missing_sources(job: Job, site: Site) -> tuple[Path, ...]:
    """Return the job's host paths that should be here and are not.

    Only where this is the site itself, and only on file systems that the nodes share with it:
    elsewhere their absence here says nothing.
    """
    shared = site.filesystems.shared
    if not site.access.is_local or not is_known(shared):
        return ()
    paths = dict.fromkeys((job.workdir, *(mount.host for mount in job.mounts)))
    return tuple(
        path
        for path in paths
        if any(path.is_relative_to(folder) for folder in shared) and not path.exists()
    )
