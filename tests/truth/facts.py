"""Passports and site profiles of the truth table: recorded once, loaded for predictions.

Recorded, so that whoever has no sandbox can see what the predictions rest on.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from hpcrun import resources
from hpcrun.image import read_image, read_stack
from hpcrun.loading import load_site
from hpcrun.model.base import UNKNOWN
from hpcrun.model.image import Family, ImageFacts, StackFacts
from hpcrun.model.site import MpiStack, Site
from hpcrun.sandbox.places import places
from tests.truth.cells import Cell
from tests.truth.lists import CLUSTER, HERE, ImageRow, share

IMAGES, STACKS, SITES = (HERE / "passports/images", HERE / "passports/stacks", HERE / "sites")
_NOT_OF_THE_IMAGE = {"mtime_ns": 0, "digest": "sif:recorded"}


def record_image(row: ImageRow) -> None:
    """Write the passport of an image, and what differs for each of its programs."""
    file = share() / "images" / f"{row.name}.sif"
    own = _facts(file, None)
    programs = {}
    for name in row.programs:
        told = _facts(file, _cell(row.name, name).argv)
        programs[name] = {key: value for key, value in told.items() if value != own.get(key)}
    _write(IMAGES / f"{row.name}.json", {"image": own, "programs": programs})


def record_stack(name: str) -> None:
    """Write the passport of one of the cluster's installations."""
    prefix = share() / "stacks" / name
    text = read_stack(prefix).model_dump_json(exclude_defaults=True)
    placed = text.replace(str(share()), CLUSTER)
    facts = StackFacts.model_validate_json(placed).sealed()
    _write(STACKS / f"{name}.json", facts.model_dump(mode="json", exclude_defaults=True))


def record_site(slurm: str, sandbox: str) -> None:
    """Write the profile of a sandbox, without what is this machine's alone."""
    text = places(sandbox).profile.read_text(encoding="utf-8")
    text = re.sub(r"(?ms)^access:\n.*?^(?=\w)", "access: unknown\n", text)
    text = text.replace(str(share()), CLUSTER).replace(sandbox, f"truth-{slurm}")
    text = re.sub(r'kernel: "(\d+\.\d+)[^"]*"', r'kernel: "\1"', text)
    text = re.sub(r"  - /home/.*\n", "", text)
    SITES.mkdir(exist_ok=True)
    (SITES / f"truth-{slurm}.yaml").write_text(text, encoding="utf-8")


def _facts(file: Path, argv: tuple[str, ...] | None) -> dict[str, Any]:
    facts = read_image(file, command=argv)
    told = facts.model_copy(
        update={**_NOT_OF_THE_IMAGE, "path": Path(CLUSTER, "images", file.name)}
    )
    found: dict[str, Any] = told.model_dump(mode="json", exclude_defaults=True)
    return found


def _cell(image: str, program: str) -> Cell:
    return Cell.parse(f"-/{image}/{program}/hybrid/srun/-/1x1")


def _write(file: Path, value: dict[str, Any]) -> None:
    """Write one line for each key of the two upper levels, so that differences can be read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for key, part in value.items():
        text = json.dumps(part, separators=(",", ":"), ensure_ascii=False)
        if isinstance(part, dict):
            inner = [
                f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in part.items()
            ]
            text = "{\n" + ",\n".join(inner) + "\n }"
        lines.append(f" {json.dumps(key)}: {text}")
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


@cache
def image_facts(image: str, program: str) -> ImageFacts:
    """Load the passport of an image for one of its programs."""
    told = json.loads((IMAGES / f"{image}.json").read_text(encoding="utf-8"))
    return ImageFacts.model_validate({**told["image"], **told["programs"][program]})


@cache
def stack_facts() -> dict[str, StackFacts]:
    """Load the passports of all installations, by name."""
    return {
        file.stem: StackFacts.model_validate_json(file.read_bytes())
        for file in sorted(STACKS.glob("*.json"))
    }


@cache
def site(slurm: str) -> Site:
    """Load the profile of a cluster, with the installations of the truth table as its own."""
    file = SITES / f"truth-{slurm}.yaml"
    loaded = load_site(file, search=[resources.site_profiles_folder()])
    stacks = {name: _stack(name, facts) for name, facts in stack_facts().items()}
    return loaded.model_copy(update={"mpi_stacks": stacks})


def _stack(name: str, facts: StackFacts) -> MpiStack:
    """Say of an installation what `hpcrun inspect --host` sees, and nothing of experience."""
    main = next((lib for lib in facts.libraries if lib.family != Family.MPI_ABI), None)
    return MpiStack(
        family=main.family.value if main and main.family != UNKNOWN else UNKNOWN,
        implementation=main.implementation if main else UNKNOWN,
        version=main.version if main else UNKNOWN,
        prefix=Path(CLUSTER, "stacks", name),
        launchers=tuple(each for each in facts.launchers if each in ("mpirun", "mpiexec")),
    )
