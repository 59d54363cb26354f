"""Cases of the rules about processors, the C library, the container runtime and emulation."""

from typing import Any

from hpcrun.model.container import ContainerFacts
from hpcrun.model.image import ImageFacts
from hpcrun.model.seen import Certainty
from hpcrun.model.system import LevelSign, OsRelease, SystemFacts
from tests.unit.planner.measured import site
from tests.unit.rules.given import OPENMPI, Case, Given, nodes


def _based_on(os_id: str, version: str, level: str) -> ImageFacts:
    release = OsRelease(id=os_id, version=version, path="/etc/os-release")
    sign = LevelSign(
        level=level,
        is_needed=True,
        evidence=f"what {os_id} {version} builds for (/etc/os-release)",
        certainty=Certainty.LIKELY,
    )
    return OPENMPI.model_copy(update={"system": SystemFacts(os=release, levels=(sign,))})


def _compiled_with(flags: str) -> ImageFacts:
    definition = f"%post\n    gcc -O3 {flags} -o /opt/solver solver.c\n"
    return OPENMPI.model_copy(update={"container": ContainerFacts(definition=definition)})


def _two_classes(**features: Any) -> dict[str, Any]:
    compute = site().node_classes["compute"].to_json()
    return {
        "node_classes": {
            "old": compute | {"microarch": "ivybridge", "features": ["ivy"]},
            "new": compute | {"microarch": "zen3", "features": ["zen"]},
        },
        "partitions": {"main": {"node_classes": ["old", "new"], "default": True}},
    } | features


_RHEL_10 = _based_on("rhel", "10.0", "x86_64_v3")

MACHINE: dict[str, Case] = {
    "HPR217": Case(
        fires=Given(image=_RHEL_10, site=nodes(microarch="ivybridge")),
        silent=Given(image=_RHEL_10, site=nodes(microarch="haswell")),
    ),
    "HPR218": Case(
        fires=Given(image=_RHEL_10, site=_two_classes()),
        silent=Given(image=_RHEL_10, site=_two_classes()),
        silent_job="submit: {partition: main, constraint: zen}",
    ),
    "HPR219": Case(
        fires=Given(image=_compiled_with("-march=native")),
        silent=Given(image=_compiled_with("-march=x86-64-v2 -mtune=native")),
    ),
}
