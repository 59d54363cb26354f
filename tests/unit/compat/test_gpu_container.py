"""GPUs in containers: the driver's libraries, what images ask for, and GPU memory in MPI."""

from typing import Any

import pytest

from hpcrun.compat.cuda_requirement import is_met
from hpcrun.compat.fabric_parts import MpiHolder
from hpcrun.compat.gpu_container import check_c_library, check_requirement, check_search_path
from hpcrun.compat.gpu_mpi import check_gpu_memory, check_gtl
from hpcrun.model.container import ContainerFacts, Told
from hpcrun.model.fabric import FabricLibrary, FabricUse
from hpcrun.model.image import LibC
from tests.unit.compat.gpu_given import A100, MI250X, on, said, with_gpu
from tests.unit.planner.measured import image, library, site


@pytest.mark.parametrize(
    ("libc", "gpu", "node", "expected"),
    [
        (LibC(kind="musl", version="1.2.5"), A100, {}, "refuses HPR710"),
        (LibC(kind="glibc", version="2.31"), A100, {"os": {"glibc": "2.39"}}, "fits"),
        (LibC(kind="glibc", version="2.12"), A100, {}, "warns HPR710"),
        (LibC(kind="glibc", version="2.35"), MI250X, {"os": {"glibc": "2.38"}}, "warns HPR710"),
        (LibC(kind="glibc", version="2.36"), MI250X, {"os": {"glibc": "2.37"}}, "fits"),
        (LibC(kind="glibc", version="2.31"), MI250X, {"os": {"glibc": "2.28"}}, "fits"),
        (LibC(kind="glibc", version="2.31"), MI250X, {}, "skips HPR710"),
        (LibC(), A100, {}, "skips HPR710"),
    ],
)
def test_c_library_of_the_driver(
    libc: LibC, gpu: dict[str, Any], node: dict[str, Any], expected: str
) -> None:
    facts = image().model_copy(update={"libc": libc})
    assert said(check_c_library(facts, on(gpu, **node))) == expected


BUILT = ContainerFacts(apptainer=Told(value="1.4.5", evidence="/.singularity.d"))


@pytest.mark.parametrize(
    ("kind", "container", "env", "expected"),
    [
        ("folder", ContainerFacts(), {}, "warns HPR711"),
        ("squashfs", ContainerFacts(), {}, "warns HPR711"),
        ("folder", BUILT, {}, "fits"),
        ("sif", ContainerFacts(), {}, "fits"),
        ("oci-archive", ContainerFacts(), {}, "fits"),
        ("folder", ContainerFacts(), {"LD_LIBRARY_PATH": "/opt:/.singularity.d/libs"}, "fits"),
    ],
)
def test_unpacked_image_finds_no_driver(
    kind: str, container: ContainerFacts, env: dict[str, str], expected: str
) -> None:
    facts = image().model_copy(update={"kind": kind, "container": container})
    assert said(check_search_path(facts, site(), env)) == expected


NVIDIAS = "cuda>=12.4 brand=tesla,driver>=470,driver<471 brand=tesla,driver>=525,driver<526"


@pytest.mark.parametrize(
    ("requirement", "properties", "expected"),
    [
        ("", {}, True),
        ("cuda>=12.4", {"cuda": "12.4"}, True),
        ("cuda>=12.4", {"cuda": "12.2"}, False),
        ("cuda>=12.4", {}, None),
        # Blanks are or, commas are and.
        ("cuda>=12.4,driver>=550", {"cuda": "12.4", "driver": "545.23.06"}, False),
        ("cuda>=12.4 driver>=525", {"cuda": "12.2", "driver": "545.23.06"}, True),
        ("cuda>=12.4,driver>=550", {"cuda": "12.4"}, None),
        ("cuda>=12.4,driver>=550", {"driver": "545.23.06"}, False),
        (NVIDIAS, {"cuda": "12.6", "driver": "560.35.05"}, True),
        (NVIDIAS, {"cuda": "12.2", "driver": "535.54.03"}, False),
        # Which brand it has nobody says.
        (NVIDIAS, {"cuda": "11.4", "driver": "470.82.01"}, None),
        (NVIDIAS, {"cuda": "11.4", "driver": "470.82.01", "brand": "tesla"}, True),
        ("driver<471", {"driver": "471.1"}, False),
        ("arch!=8.6", {"arch": "8.0"}, True),
        ("no condition", {}, True),
    ],
)
def test_requirement_as_the_runtime_reads_it(
    requirement: str, properties: dict[str, str], *, expected: bool | None
) -> None:
    assert is_met(requirement, properties) is expected


@pytest.mark.parametrize(
    ("environment", "driver", "expected"),
    [
        ({"NVIDIA_REQUIRE_CUDA": "cuda>=12.4"}, "525.60.13", "warns HPR707"),
        ({"NVIDIA_REQUIRE_CUDA": "cuda>=12.4"}, "550.54.14", "fits"),
        ({"NVIDIA_REQUIRE_CUDA": NVIDIAS}, "525.60.13", "skips HPR707"),
        ({"NVIDIA_REQUIRE_CUDA": NVIDIAS}, "535.54.03", "warns HPR707"),
        ({"NVIDIA_REQUIRE_CUDA": "cuda>=12.4"}, None, "skips HPR707"),
        ({"NVIDIA_REQUIRE_CUDA": "cuda>=99", "NVIDIA_DISABLE_REQUIRE": "1"}, "525.60.13", "fits"),
        ({}, "525.60.13", "fits"),
    ],
)
def test_requirement_of_an_image(
    environment: dict[str, str], driver: str | None, expected: str
) -> None:
    facts = with_gpu(environment=environment)
    assert said(check_requirement(facts, on(A100, gpu_driver=driver))) == expected


def cray(**more: Any) -> MpiHolder:
    mpi = library("mpich", "8.1.28", "libmpi.so.12", implementation="cray-mpich", **more)
    return MpiHolder(image(mpi), mpi)


@pytest.mark.parametrize(
    ("holder", "env", "expected"),
    [
        (cray(), {"MPICH_GPU_SUPPORT_ENABLED": "1"}, "refuses HPR713"),
        (cray(), {"MPICH_GPU_SUPPORT_ENABLED": "0"}, "fits"),
        (cray(), {}, "fits"),
        (
            cray(),
            {"MPICH_GPU_SUPPORT_ENABLED": "1", "LD_PRELOAD": "/opt/libmpi_gtl_cuda.so.0"},
            "fits",
        ),
        (cray(needed=("libmpi_gtl_hsa.so.0",)), {"MPICH_GPU_SUPPORT_ENABLED": "1"}, "fits"),
    ],
)
def test_library_of_cray_for_gpu_memory(
    holder: MpiHolder, env: dict[str, str], expected: str
) -> None:
    assert said(check_gtl(holder, implementation="unknown", env=env)) == expected


@pytest.mark.parametrize(
    ("memory", "parts", "gpu", "expected"),
    [
        (("cuda",), ("ib", "cma"), A100, "warns HPR712"),
        (("cuda",), ("ib", "cuda"), A100, "fits"),
        (("cuda",), ("ib", "cma"), MI250X, "fits"),
        (("rocm",), ("ib", "cma"), MI250X, "warns HPR712"),
        ((), ("ib", "cma"), A100, "fits"),
    ],
)
def test_transports_for_gpu_memory(
    memory: tuple[str, ...], parts: tuple[str, ...], gpu: dict[str, Any], expected: str
) -> None:
    use = FabricUse(kind="ucx", how="linked", path="/usr/lib/libucp.so.0", evidence="its needs")
    ucx = FabricLibrary(
        kind="ucx", path="/usr/lib/libucp.so.0", soname="libucp.so.0", parts=parts, evidence="name"
    )
    mpi = library("mpich", "4.2.1", "libmpi.so.12", gpu=memory, fabrics=(use,))
    held = MpiHolder(image(mpi, fabrics=(ucx,)), mpi)
    assert said(check_gpu_memory(held, on(gpu))) == expected
