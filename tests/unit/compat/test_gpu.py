"""GPUs: whose they are, and which driver and device code they take."""

from typing import Any

import pytest

from hpcrun.compat.gpu import check_software, check_unasked, check_vendor, vendors_in
from hpcrun.compat.gpu_code import check_code, runs_compiled, runs_portable
from hpcrun.compat.gpu_driver import check_cuda, check_rocm
from hpcrun.compat.gpu_nodes import GpuNodes, check_known, gpu_nodes, join
from hpcrun.model.gpu import GpuLibrary
from hpcrun.model.image import ImageFacts
from hpcrun.model.verdict import Force, Verdict
from tests.unit.compat.gpu_given import A100, MI250X, NOTHING, code, gpu_library, on, said, with_gpu
from tests.unit.planner.measured import site


@pytest.mark.parametrize(
    ("facts", "vendors"),
    [
        (with_gpu(), set()),
        (with_gpu(gpu_library("cuda-runtime")), {"nvidia"}),
        (with_gpu(gpu_library("rccl"), code("gfx90a")), {"amd"}),
        (with_gpu(code("sm_80")), {"nvidia"}),
        (with_gpu(environment={"CUDA_VERSION": "12.4.1"}), {"nvidia"}),
        (with_gpu(gpu_library("nccl"), gpu_library("rocm-library")), {"nvidia", "amd"}),
        # What other libraries draw in is no sign.
        (with_gpu(gpu_library("level-zero"), gpu_library("hsa-runtime")), set()),
    ],
)
def test_whose_gpus_an_image_is_made_for(facts: ImageFacts, vendors: set[str]) -> None:
    assert set(vendors_in(facts)) == vendors


@pytest.mark.parametrize(
    ("facts", "nodes", "expected"),
    [
        (with_gpu(gpu_library("cuda-runtime")), on(MI250X), "refuses HPR703"),
        (with_gpu(gpu_library("cuda-runtime")), on(A100), "fits"),
        (with_gpu(gpu_library("cuda-runtime")), on(MI250X, A100), "fits"),
        (with_gpu(gpu_library("nccl"), gpu_library("rccl")), on(MI250X), "fits"),
        (with_gpu(), on(MI250X), "fits"),
        (with_gpu(gpu_library("rccl")), on({"model": "H200"}), "refuses HPR703"),
        (with_gpu(gpu_library("rccl")), on({"model": "something new"}), "fits"),
    ],
)
def test_vendors_of_image_and_nodes(facts: ImageFacts, nodes: GpuNodes, expected: str) -> None:
    assert said(check_vendor(facts, nodes, may_be_brought=False)) == expected


def test_software_that_lacks_is_told_and_not_where_it_may_be_mounted() -> None:
    for is_brought, expected in ((False, "warns HPR704"), (True, "skips HPR704")):
        verdict = check_software(with_gpu(), gpus_per_node=1, may_be_brought=is_brought)
        assert said(verdict) == expected


def test_program_for_gpus_in_a_job_without() -> None:
    assert said(check_unasked(with_gpu(code("sm_80")))) == "warns HPR701"
    assert said(check_unasked(with_gpu(code("sm_80", path="/usr/lib/libnccl.so.2")))) == "fits"


CUDA_124 = gpu_library("cuda-runtime", "12.4.127")
CUDA_12 = gpu_library("cuda-runtime", "12")
CUDA_102 = gpu_library("cuda-runtime", "10.2.89")
CUDA_118 = gpu_library("cuda-runtime", "11.8.89")
CUDA_140 = gpu_library("cuda-runtime", "14.0.1")


@pytest.mark.parametrize(
    ("runtimes", "node", "expected"),
    [
        # Newer drivers run everything.
        ((CUDA_124,), {"gpu_driver": "580.65.06"}, "fits"),
        ((CUDA_102,), {"gpu_driver": "580.65.06"}, "fits"),
        # Minor compatibility: from the first driver of the major version on.
        ((CUDA_124,), {"gpu_driver": "525.60.13"}, "fits"),
        ((CUDA_124,), {"gpu_driver": "525.60.11"}, "refuses HPR705"),
        ((CUDA_12,), {"gpu_driver": "525.60.13"}, "fits"),
        ((CUDA_12,), {"gpu_driver": "520.61.05"}, "refuses HPR705"),
        ((CUDA_118,), {"gpu_driver": "450.80.02"}, "fits"),
        ((CUDA_118,), {"gpu_driver": "418.39"}, "refuses HPR705"),
        # Before CUDA 11 there is none.
        ((CUDA_102,), {"gpu_driver": "440.33"}, "fits"),
        ((CUDA_102,), {"gpu_driver": "418.87"}, "refuses HPR705"),
        # A branch alone is taken for its newest driver.
        ((CUDA_124,), {"gpu_driver": "525"}, "fits"),
        ((CUDA_124,), {"gpu_driver": "520"}, "refuses HPR705"),
        # What the profile says the driver takes counts before the table.
        ((CUDA_124,), {"gpu_runtime": "12.4"}, "fits"),
        ((CUDA_124,), {"gpu_runtime": "12.0"}, "fits"),
        ((CUDA_124,), {"gpu_runtime": "11.8"}, "refuses HPR705"),
        ((CUDA_124,), {}, "skips HPR705"),
        # Newer than any row.
        ((CUDA_140,), {"gpu_driver": "620.10"}, "skips HPR705"),
        # One of two runtimes fits: which is loaded nobody knows.
        ((CUDA_118, CUDA_124), {"gpu_driver": "470.82.01"}, "fits"),
        ((), {"gpu_driver": "470.82.01"}, "fits"),
    ],
)
def test_driver_for_cuda(
    runtimes: tuple[GpuLibrary, ...], node: dict[str, Any], expected: str
) -> None:
    assert said(check_cuda(with_gpu(*runtimes), on(A100, **node), NOTHING)) == expected


def test_version_of_cuda_by_toolkit_and_by_what_the_image_says() -> None:
    old = on(A100, gpu_driver="470.82.01")
    kit = {"kind": "cuda", "version": "12.4.1", "evidence": "/usr/local/cuda/version.json"}
    for facts in (
        with_gpu(toolkits=(kit,)),
        with_gpu(environment={"CUDA_VERSION": "12.4.1"}),
    ):
        assert said(check_cuda(facts, old, NOTHING)) == "refuses HPR705"


COMPAT = gpu_library("cuda-compat", "550.54.15", "/usr/local/cuda-12.4/compat/libcuda.so.550.54.15")
FIRST = {"LD_LIBRARY_PATH": "/usr/local/cuda/compat:/opt/lib"}
GEFORCE = {"model": "GeForce RTX 4090", "vendor": "nvidia"}
RTX = {"model": "RTX 6000 Ada", "vendor": "nvidia"}


@pytest.mark.parametrize(
    ("gpu", "driver", "env", "expected"),
    [
        (A100, "470.82.01", FIRST, "fits"),
        (A100, "470.82.01", {}, "warns HPR706"),
        (GEFORCE, "470.82.01", FIRST, "refuses HPR706"),
        # NVIDIA supports it on some of these.
        (RTX, "470.82.01", FIRST, "warns HPR706"),
        ({"model": "a model of next year", "vendor": "nvidia"}, "470.82.01", {}, "warns HPR706"),
        # Put in front of a newer driver: error 803.
        (A100, "580.65.06", FIRST, "refuses HPR706"),
        (A100, "580.65.06", {}, "fits"),
    ],
)
def test_forward_compatibility(
    gpu: dict[str, Any], driver: str, env: dict[str, str], expected: str
) -> None:
    facts = with_gpu(CUDA_124, COMPAT)
    assert said(check_cuda(facts, on(gpu, gpu_driver=driver), env)) == expected


def test_forward_compatibility_that_is_too_old_itself_does_not_help() -> None:
    older = gpu_library("cuda-compat", "470.82.01", "/usr/local/cuda/compat/libcuda.so.470.82.01")
    verdict = check_cuda(with_gpu(CUDA_124, older), on(A100, gpu_driver="450.80.02"), FIRST)
    assert said(verdict) == "refuses HPR705"


@pytest.mark.parametrize(
    ("image_version", "node", "expected"),
    [
        ("6.3.1", {"gpu_driver": "6.3.60300"}, "fits"),
        ("6.0.2", {"gpu_driver": "6.3.60300"}, "warns HPR709"),
        ("7.0.0", {"gpu_driver": "6.3.60300"}, "fits"),
        ("7.1.0", {"gpu_driver": "6.3.60300"}, "warns HPR709"),
        ("6.4.1", {"gpu_driver": "30.10.1"}, "fits"),
        ("6.4.1", {"gpu_driver": "6.8.5"}, "skips HPR709"),
        ("6.4.1", {}, "skips HPR709"),
        ("7.1.0", {"gpu_runtime": "7.0"}, "warns HPR709"),
    ],
)
def test_driver_for_rocm(image_version: str, node: dict[str, Any], expected: str) -> None:
    kit = {"kind": "rocm", "version": image_version, "evidence": "/opt/rocm/.info/version"}
    assert said(check_rocm(with_gpu(toolkits=(kit,)), on(MI250X, **node))) == expected


@pytest.mark.parametrize(
    ("target", "compute", "runs"),
    [
        ("sm_80", "8.0", True),
        ("sm_80", "8.6", True),
        ("sm_86", "8.0", False),
        ("sm_80", "9.0", False),
        ("sm_100", "10.3", True),
        ("sm_100", "12.0", False),
        ("sm_90a", "9.0", True),
        ("sm_100a", "10.3", False),
        ("sm_100f", "10.3", True),
        ("gfx90a", "gfx90a", True),
        ("gfx90a:sramecc+:xnack-", "gfx90a", True),
        ("gfx908", "gfx90a", False),
        ("gfx9-4-generic", "gfx942", True),
        ("gfx9-generic", "gfx90a", False),
        ("gfx90a", "9.0", False),
    ],
)
def test_compiled_code(target: str, compute: str, *, runs: bool) -> None:
    assert runs_compiled(target, compute) is runs


@pytest.mark.parametrize(
    ("target", "compute", "runs"),
    [
        ("compute_70", "9.0", True),
        ("compute_90", "8.0", False),
        ("compute_100", "9.0", False),
        ("compute_90a", "9.0", True),
        ("compute_90a", "10.0", False),
    ],
)
def test_portable_code(target: str, compute: str, *, runs: bool) -> None:
    assert runs_portable(target, compute) is runs


@pytest.mark.parametrize(
    ("facts", "gpu", "expected"),
    [
        (with_gpu(code("sm_80")), A100, "fits"),
        (with_gpu(code("sm_90")), A100, "refuses HPR708"),
        (with_gpu(code("sm_90", "compute_70")), A100, "fits"),
        # The program decides; what lies beside it is a sign.
        (with_gpu(code("sm_80"), code("sm_90", path="/usr/lib/libx.so")), A100, "fits"),
        (with_gpu(code("sm_90", path="/usr/lib/libx.so")), A100, "warns HPR708"),
        # Not all of it was read, or it hides its targets.
        (with_gpu(code("sm_90", sure=False)), A100, "fits"),
        (with_gpu(code("compressed")), MI250X, "fits"),
        (with_gpu(code("gfx942")), MI250X, "refuses HPR708"),
        (with_gpu(code("gfx90a:xnack-")), MI250X, "fits"),
        (with_gpu(code("gfx942")), A100, "fits"),
        (with_gpu(code("sm_90")), {"model": "of next year", "vendor": "nvidia"}, "skips HPR708"),
        (with_gpu(code("sm_90")), A100 | {"compute": "9.0"}, "fits"),
        (with_gpu(), A100, "fits"),
    ],
)
def test_device_code_on_nodes(facts: ImageFacts, gpu: dict[str, Any], expected: str) -> None:
    assert said(check_code(facts, on(gpu), NOTHING)) == expected


def test_override_of_the_processor_leaves_code_unjudged() -> None:
    facts = with_gpu(code("gfx908"))
    assert said(check_code(facts, on(MI250X), {"HSA_OVERRIDE_GFX_VERSION": "9.0.8"})) == "fits"


def test_portable_code_of_a_cuda_newer_than_the_driver_is_warned_of() -> None:
    nodes = on({"model": "H100", "vendor": "nvidia"}, gpu_driver="535.54.03")
    late = with_gpu(CUDA_124, code("sm_80", "compute_80"))
    assert said(check_code(late, nodes, NOTHING)) == "warns HPR708"
    compiled = with_gpu(CUDA_124, code("sm_90", "compute_80"))
    assert said(check_code(compiled, nodes, NOTHING)) == "fits"


def test_what_only_some_nodes_refuse_is_a_warning() -> None:
    here = site(
        node_classes={
            "old": {"gpus": (A100,), "gpu_driver": "470.82.01"},
            "new": {"gpus": (A100,), "gpu_driver": "580.65.06"},
            "cpu": {"gpus": ()},
        }
    )
    every = gpu_nodes(here, here.node_classes)
    assert [nodes.names for nodes in every] == [("old",), ("new",)]
    facts = with_gpu(CUDA_124)
    joined = Verdict.worst_of(join((nodes, check_cuda(facts, nodes, NOTHING)) for nodes in every))
    assert joined.force is Force.WARNS
    assert joined.reasons[0].evidence[-1] == "not so on nodes of class `new`"
    alone = [(every[0], check_cuda(facts, every[0], NOTHING))]
    assert Verdict.worst_of(join(alone)).refuses


def test_nodes_whose_gpus_nobody_told_are_not_taken_for_checked() -> None:
    here = site(node_classes={"told": {"gpus": (A100,)}, "other": {}})
    verdict = check_known(here, here.node_classes)
    assert said(verdict) == "skips HPR705"
    assert "`other`" in verdict.reasons[0].message
    alone = {"told": here.node_classes["told"]}
    assert said(check_known(here, alone)) == "fits"
