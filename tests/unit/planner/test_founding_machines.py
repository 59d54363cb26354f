"""Every way of the founding documents to run programs of another processor has its answer.

Rows of the reports on NeuroDesk on ARM and on a Raspberry Pi with QEMU (see the project's goals).
"""

from collections.abc import Mapping
from typing import Any

import pytest

from hpcrun.model.image import ImageFacts, Program
from hpcrun.model.plan import Plan
from hpcrun.planner import plan_job
from tests.unit.planner.measured import job, openmpi_image, site

NATIVE = openmpi_image("4.1.4", "4.2.2", arch="aarch64").model_copy(
    update={"program": Program(argv0="app", path="/usr/bin/app", arch="aarch64", kind="elf")}
)
X86 = openmpi_image("4.1.4", "4.2.2", arch="x86_64")
X86_INSIDE = X86.model_copy(update={"declared_arch": "aarch64"})


def _library_of(facts: ImageFacts) -> ImageFacts:
    libraries = tuple(lib.model_copy(update={"arch": facts.arch}) for lib in facts.mpi)
    return facts.model_copy(update={"mpi": libraries})


def planned(
    images: Mapping[str, ImageFacts], *handlers: dict[str, Any], apptainer: str = "1.4.5"
) -> Plan:
    """Plan on nodes with ARM processors."""
    node = site().node_classes["compute"].to_json()
    rows = [{"arch": "x86_64", "flags": "POCF"} | row for row in handlers]
    here = site(
        node_classes={"compute": node | {"arch": "aarch64", "emulation": rows}},
        runtime=site().runtime.to_json() | {"version": apptainer},
        mpi_stacks={},
    )
    found = {arch: _library_of(facts) for arch, facts in images.items()}
    return plan_job(job(), here, found, {})


def answer(plan: Plan) -> str:
    """Return how it would run, or the codes that refuse it."""
    if plan.chosen is not None:
        return f"{plan.chosen.execution} {plan.chosen.image_arch}"
    return " ".join(sorted({d.code for d in plan.diagnostics if d.refuses}))


QEMU = {"emulator": "qemu-user", "version": "7.2"}
ROWS = {
    "Neurodocker's ARM image with x86-64 programs": (planned({"arm64": X86_INSIDE}), "HPR206"),
    "Docker --platform, without a handler": (planned({"amd64": X86}), "HPR202"),
    "qemu-user-static and binfmt_misc": (planned({"amd64": X86}, QEMU), "emulated amd64"),
    "full-system QEMU": (
        planned({"amd64": X86}, {"emulator": "qemu-system-x86_64", "version": "9.2"}),
        "HPR202",
    ),
    "Rosetta 2": (planned({"amd64": X86}, {"emulator": "rosetta"}), "emulated amd64"),
    "native build": (planned({"arm64": NATIVE}, QEMU), "native arm64"),
    "Box64": (planned({"amd64": X86}, {"emulator": "box64", "version": "0.3.8"}), "HPR604"),
    "FEX": (
        planned({"amd64": X86}, {"emulator": "fex", "version": "2605"}, apptainer="1.5.3"),
        "emulated amd64",
    ),
    "FEX before Apptainer found it": (
        planned({"amd64": X86}, {"emulator": "fex", "version": "2605"}),
        "HPR607",
    ),
    "variants by platform, the native one first": (
        planned({"amd64": X86, "arm64": NATIVE}, QEMU),
        "native arm64",
    ),
}


@pytest.mark.parametrize(("plan", "expected"), ROWS.values(), ids=ROWS)
def test_founding_row_has_its_answer(plan: Plan, expected: str) -> None:
    assert answer(plan) == expected


def test_mislabelled_image_names_what_is_inside_before_anything_is_submitted() -> None:
    plan = planned({"arm64": X86_INSIDE})
    (said,) = (d for d in plan.diagnostics if d.code == "HPR206" and d.refuses)
    assert said.message == "image is labelled aarch64, but holds x86_64 programs"
