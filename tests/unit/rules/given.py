"""What a rule's case is given: a job, an image, a site, stacks; the cases say what they change."""

from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from hpcrun.loading import load_job
from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.model.job import Job
from hpcrun.model.plan import Plan
from hpcrun.planner import plan_job
from hpcrun.rules import advise
from hpcrun.tables import architectures
from tests.unit.planner.measured import IMAGES, SHARE, STACKS, openmpi_image, site

TODAY = date(2026, 11, 20)
CORPUS = Path(__file__).resolve().parents[2] / "corpora" / "images"
OPENMPI = IMAGES["debian13-openmpi-5.0.7"]
MPICH = IMAGES["debian12-mpich-4.0.2"]
NEEDS_OPENMPI = IMAGES["no-mpi-needs-libmpi.so.40"]
ARM = openmpi_image("4.1.4", "4.2.2", arch="aarch64")
ARM = ARM.model_copy(update={"mpi": (ARM.mpi[0].model_copy(update={"arch": "aarch64"}),)})
BASE = {
    "version": "1",
    "name": "brain",
    "image": "app.sif",
    "command": "[/usr/bin/app]",
    "resources": "{nodes: 2, tasks: 4}",
}


class Given(NamedTuple):
    """What a rule looks at besides the job file."""

    image: ImageFacts = OPENMPI
    site: dict[str, Any] | None = None
    stacks: dict[str, StackFacts] = STACKS
    missing: tuple[Path, ...] = ()


class Case(NamedTuple):
    """A firing and a silent case; the firing job stands in the rule's page."""

    fires: Given = Given()
    silent: Given = Given()
    silent_job: str | None = None
    """Keys of the silent job; None where it is the page's own, and only the rest differs."""
    fires_too: tuple[str, ...] = ()
    """Further rules that the page's job cannot help breaking."""


def plan_with(given: Given, fragment: str, folder: Path) -> Plan:
    """Plan the base job with the top-level keys of a fragment, as the plan command would."""
    job = load_fragment(fragment, folder)
    here = site(**(given.site or {}))
    arch = architectures().oci_of(given.image.arch)
    decided = plan_job(
        job, here, {arch: given.image}, given.stacks, missing=given.missing, today=TODAY
    )
    return advise(decided, job=job, site=here, positions=None)


def load_fragment(fragment: str, folder: Path) -> Job:
    """Load the base job with other top-level keys, as if it lay on the shared file system."""
    given = {line.split(":")[0] for line in fragment.splitlines() if line[:1].isalpha()}
    base = [f"{key}: {value}" for key, value in BASE.items() if key not in given]
    file = folder / "job.yaml"
    file.write_text("\n".join([*base, fragment]) + "\n", encoding="utf-8")
    job = load_job(file)
    workdir = SHARE if job.workdir == folder else job.workdir
    return job.model_copy(update={"workdir": workdir, "file": SHARE / "job.yaml"})


def stacks(*names: str) -> dict[str, Any]:
    described = site().mpi_stacks
    return {"mpi_stacks": {name: described[name].to_json() for name in names}}


def scheduler(**changes: Any) -> dict[str, Any]:
    return {"scheduler": site().scheduler.to_json() | changes}


def runtime(**changes: Any) -> dict[str, Any]:
    return {"runtime": site().runtime.to_json() | changes}


def nodes(**changes: Any) -> dict[str, Any]:
    return {"node_classes": {"compute": site().node_classes["compute"].to_json() | changes}}


def network(kind: str) -> dict[str, Any]:
    """Return nodes with a network, and no stack to bind."""
    return nodes(fabric={"kind": kind}) | stacks()


def recorded(name: str) -> ImageFacts:
    file = CORPUS / f"{name}-x86_64.facts.json"
    facts = ImageFacts.model_validate_json(file.read_bytes())
    return facts.model_copy(update={"path": SHARE / "app.sif"})


def partition(**changes: Any) -> dict[str, Any]:
    return {"partitions": {"main": site().partitions["main"].to_json() | changes}}


def handler(emulator: str) -> dict[str, Any]:
    version = "0.3.8" if emulator == "box64" else "10.0"
    row = {"arch": "aarch64", "emulator": emulator, "version": version, "flags": "F"}
    return nodes(emulation=[row])


def outside(soname: str) -> dict[str, StackFacts]:
    facts = STACKS["openmpi-5.0.11"]
    return {"openmpi-5.0.11": facts.model_copy(update={"closure_outside": (f"/usr/lib/{soname}",)})}


def described(name: str) -> dict[str, Any]:
    family, _, version = name.partition("-")
    return {"mpi_stacks": {name: {"family": family, "version": version, "prefix": f"/opt/{name}"}}}


def read(name: str) -> dict[str, StackFacts]:
    file = CORPUS / f"{name}-x86_64.stack.json"
    return {name: StackFacts.model_validate_json(file.read_bytes())}
