"""Verdicts on GPUs name rule, evidence and row, whatever image, nodes and job are drawn."""

from collections import Counter
from random import Random
from typing import Any

import pytest

from hpcrun.model.gpu import DeviceCode, GpuFacts, GpuLibrary, Toolkit
from hpcrun.model.image import ImageFacts
from hpcrun.model.nodes import Gpu
from hpcrun.model.site import Site
from hpcrun.planner.judge_gpu import judge_gpus
from hpcrun.planner.question import Question
from tests.drawn_facts import draw_questions
from tests.property.test_grounds import faults

_MODELS = ("A100-40GB", "H100", "V100", "RTX 6000 Ada", "MI250X", "MI300A", "of next year")
_DRIVERS = ("470.82.01", "525", "535.104.05", "580.65.06", "6.3.60300", "30.10.1", None)
_TARGETS = ("sm_70", "sm_80", "sm_90a", "sm_100f", "gfx90a:xnack-", "gfx9-4-generic", "compressed")
_ASKS = ("cuda>=12.4", "cuda>=12.4 brand=tesla,driver>=525,driver<526", "nonsense", "")
_VERSIONS = ("10.2.89", "11.8.89", "12", "12.4.127", "13.0.1", "14.1", "unknown")
_KINDS = ("cuda-runtime", "cuda-compat", "nccl", "rocm-runtime", "rccl", "level-zero")


def _some(rng: Random, values: tuple[Any, ...], number: int) -> tuple[Any, ...]:
    return tuple(rng.choice(values) for _ in range(rng.randint(0, number)))


def _drawn_gpu(rng: Random) -> GpuFacts:
    return GpuFacts(
        libraries=tuple(
            GpuLibrary(
                kind=kind,
                path=f"/opt/{kind}/compat/lib.so",
                soname=kind,
                version=rng.choice(_VERSIONS),
                evidence="drawn",
            )
            for kind in _some(rng, _KINDS, 3)
        ),
        toolkits=tuple(
            Toolkit(kind=kind, version=rng.choice(("12.4.1", "6.3.1")), evidence="/drawn")
            for kind in _some(rng, ("cuda", "rocm"), 1)
        ),
        environment={"NVIDIA_REQUIRE_CUDA": rng.choice(_ASKS)},
        code=tuple(
            DeviceCode(path=path, targets=_some(rng, _TARGETS, 3), evidence="drawn")
            for path in _some(rng, ("/usr/bin/app", "/usr/lib/libx.so"), 2)
        ),
    )


def _with_gpus(rng: Random, question: Question) -> Question:
    def drawn(facts: ImageFacts) -> ImageFacts:
        kind = rng.choice(("sif", "folder"))
        return facts.model_copy(update={"gpu": _drawn_gpu(rng), "kind": kind})

    classes = {
        name: node.model_copy(
            update={
                "gpus": tuple(Gpu(model=model) for model in _some(rng, _MODELS, 2)),
                "gpu_driver": rng.choice(_DRIVERS),
                "gpu_runtime": rng.choice((None, "12.2", "7.0")),
            }
        )
        for name, node in question.classes.items()
    }
    resources = question.job.resources.model_copy(update={"gpus_per_node": rng.choice((0, 1, 1))})
    env = rng.choice(({}, {"LD_LIBRARY_PATH": "/usr/local/cuda/compat"}))
    job = question.job.model_copy(update={"resources": resources, "env": env})
    images = {arch: drawn(facts) for arch, facts in question.images.items()}
    return question._replace(job=job, classes=classes, images=images, site=_named(question.site))


def _named(site: Site) -> Site:
    return site.model_copy(update={"name": f"{site.name}-with-gpus"})


@pytest.mark.parametrize("seed", range(4))
def test_verdicts_on_gpus_name_their_grounds(seed: int) -> None:
    rng = Random(seed)
    seen: Counter[str] = Counter()
    for question in draw_questions(seed, images=12, sites=12):
        drawn = _with_gpus(rng, question)
        for arch in drawn.images:
            for verdict in judge_gpus(drawn, arch, "native"):
                assert faults(verdict) == []
                seen[f"{verdict.answer} {verdict.force}"] += 1
    assert {"compatible refuses", "incompatible refuses", "incompatible warns"} <= set(seen)
    assert "unknown skips" in seen
