"""Cases of the rules about GPUs."""

from typing import Any

from hpcrun.model.gpu import DeviceCode, GpuFacts, GpuLibrary, Toolkit
from hpcrun.model.image import ImageFacts, LibC
from tests.unit.rules.given import OPENMPI, Case, Given, nodes, recorded, stacks

_APP = OPENMPI.program.path if OPENMPI.program else None
_CUDA = GpuLibrary(
    kind="cuda-runtime",
    path="/usr/lib/libcudart.so.12.4.127",
    soname="libcudart.so.12",
    version="12.4.127",
    evidence="its file name",
)
_COMPAT = GpuLibrary(
    kind="cuda-compat",
    path="/usr/local/cuda-12.4/compat/libcuda.so.550.54.15",
    soname="libcuda.so.1",
    version="550.54.15",
    evidence="its file name",
)


def _image(*libraries: GpuLibrary, facts: ImageFacts = OPENMPI, **more: Any) -> ImageFacts:
    return facts.model_copy(
        update={"gpu": GpuFacts.model_validate({"libraries": libraries, **more}), "kind": "sif"}
    )


def _coded(*targets: str) -> ImageFacts:
    return _image(code=(DeviceCode(path=str(_APP), targets=targets, evidence=".nv_fatbin"),))


def _rocm(version: str) -> ImageFacts:
    return _image(toolkits=(Toolkit(kind="rocm", version=version, evidence="/opt/rocm"),))


def _gpus(model: str, vendor: str, **more: Any) -> dict[str, Any]:
    return nodes(gpus=[{"model": model, "count": 1, "vendor": vendor}], **more) | stacks()


def _a100(driver: str = "580.65.06", **more: Any) -> dict[str, Any]:
    return _gpus("A100", "nvidia", gpu_driver=driver, **more)


def _mi250x(**more: Any) -> dict[str, Any]:
    return _gpus("MI250X", "amd", **more)


def _takes_cuda(*transports: str) -> ImageFacts:
    facts = recorded("mpich-4.2.1")
    mpi = facts.mpi[0].model_copy(update={"gpu": ("cuda",)})
    libraries = tuple(
        each.model_copy(update={"parts": (*each.parts, *transports)})
        if each.kind == "ucx"
        else each
        for each in facts.fabrics
    )
    return _image(_CUDA, facts=facts.model_copy(update={"mpi": (mpi,), "fabrics": libraries}))


_ASKING = _image(_CUDA, environment={"NVIDIA_REQUIRE_CUDA": "cuda>=12.4"})
_MUSL = _image(_CUDA).model_copy(update={"libc": LibC(kind="musl", version="1.2.5")})
_FOLDER = _image(_CUDA).model_copy(update={"kind": "folder"})
_CRAY = OPENMPI.mpi[0].model_copy(update={"implementation": "cray-mpich", "version": "8.1.28"})
_OF_CRAY = OPENMPI.model_copy(update={"mpi": (_CRAY,)})
_FOR_ALL = ("HPR702",)

GPU: dict[str, Case] = {
    "HPR701": Case(
        fires=Given(image=_coded("sm_80"), site=_a100()),
        silent=Given(image=OPENMPI, site=_a100()),
    ),
    "HPR703": Case(
        fires=Given(image=_image(_CUDA), site=_mi250x()),
        silent=Given(image=_rocm("6.3.1"), site=_mi250x()),
        fires_too=_FOR_ALL,
    ),
    "HPR704": Case(
        fires=Given(image=_image(), site=_a100()),
        silent=Given(image=_image(_CUDA), site=_a100()),
        fires_too=_FOR_ALL,
    ),
    "HPR705": Case(
        fires=Given(image=_image(_CUDA), site=_a100("470.82.01")),
        silent=Given(image=_image(_CUDA), site=_a100("525.60.13")),
        fires_too=_FOR_ALL,
    ),
    "HPR706": Case(
        fires=Given(
            image=_image(_CUDA, _COMPAT),
            site=_gpus("GeForce RTX 4090", "nvidia", gpu_driver="470.82.01"),
        ),
        silent=Given(
            image=_image(_CUDA, _COMPAT),
            site=_gpus("GeForce RTX 4090", "nvidia", gpu_driver="525.60.13"),
        ),
        fires_too=_FOR_ALL,
    ),
    "HPR707": Case(
        fires=Given(image=_ASKING, site=_a100("525.105.17")),
        silent=Given(image=_ASKING, site=_a100("550.54.14")),
        fires_too=_FOR_ALL,
    ),
    "HPR708": Case(
        fires=Given(image=_coded("sm_90"), site=_a100()),
        silent=Given(image=_coded("sm_80", "sm_90"), site=_a100()),
        fires_too=_FOR_ALL,
    ),
    "HPR709": Case(
        fires=Given(image=_rocm("5.4.3"), site=_mi250x(gpu_driver="6.3.60300")),
        silent=Given(image=_rocm("6.1.2"), site=_mi250x(gpu_driver="6.3.60300")),
        fires_too=_FOR_ALL,
    ),
    "HPR710": Case(
        fires=Given(image=_MUSL, site=_a100()),
        silent=Given(image=_image(_CUDA), site=_a100()),
        fires_too=_FOR_ALL,
    ),
    "HPR711": Case(
        fires=Given(image=_FOLDER, site=_a100()),
        silent=Given(image=_image(_CUDA), site=_a100()),
        fires_too=_FOR_ALL,
    ),
    "HPR712": Case(
        fires=Given(image=_takes_cuda(), site=_a100()),
        silent=Given(image=_takes_cuda("cuda"), site=_a100()),
        fires_too=_FOR_ALL,
    ),
    "HPR713": Case(
        fires=Given(image=_OF_CRAY, site=stacks()),
        silent=Given(image=_OF_CRAY, site=stacks()),
        silent_job='env: {MPICH_GPU_SUPPORT_ENABLED: "0"}',
    ),
}
