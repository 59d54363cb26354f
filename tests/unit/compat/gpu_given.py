"""Images and nodes with GPUs, for tests of what is judged about them."""

from collections.abc import Mapping
from typing import Any

from hpcrun.compat.gpu_nodes import GpuNodes, gpu_nodes
from hpcrun.model.gpu import DeviceCode, GpuFacts, GpuLibrary
from hpcrun.model.image import ImageFacts
from hpcrun.model.seen import Certainty
from hpcrun.model.verdict import Verdict
from tests.unit.planner.measured import image, site

A100 = {"model": "A100", "vendor": "nvidia"}
MI250X = {"model": "MI250X", "vendor": "amd"}
NOTHING: Mapping[str, str] = {}


def on(*gpus: Mapping[str, Any], **node: Any) -> GpuNodes:
    """Return one node class with GPUs."""
    here = site(node_classes={"gpu": {"gpus": gpus, **node}})
    (found,) = gpu_nodes(here, here.node_classes)
    return found


def gpu_library(kind: str, version: str = "unknown", path: str | None = None) -> GpuLibrary:
    return GpuLibrary(
        kind=kind, path=path or f"/usr/lib/{kind}", soname=kind, version=version, evidence="name"
    )


def code(*targets: str, path: str = "/usr/bin/app", sure: bool = True) -> DeviceCode:
    return DeviceCode(
        path=path,
        targets=tuple(t for t in targets if not t.startswith("compute")),
        portable=tuple(t for t in targets if t.startswith("compute")),
        evidence=".nv_fatbin",
        certainty=Certainty.SURE if sure else Certainty.LIKELY,
    )


def with_gpu(*parts: GpuLibrary | DeviceCode, **more: Any) -> ImageFacts:
    facts = {
        "libraries": tuple(part for part in parts if isinstance(part, GpuLibrary)),
        "code": tuple(part for part in parts if isinstance(part, DeviceCode)),
    }
    return image(gpu=GpuFacts.model_validate(facts | more))


def said(verdict: Verdict) -> str:
    """Return a verdict as one word: the code, before it what is made of it."""
    codes = "+".join(reason.code for reason in verdict.reasons)
    return f"{verdict.force} {codes}" if verdict.weight else "fits"
