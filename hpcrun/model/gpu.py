"""What was read about GPU libraries and embedded device code; does not read files."""

from pydantic import Field

from hpcrun.model.base import UNKNOWN, Unknown, Value
from hpcrun.model.seen import Seen


class GpuLibrary(Seen):
    """One library of a GPU's software."""

    kind: str
    """Row in gpus.yaml: `cuda-runtime`, `nccl`, `rocm-runtime`, …"""
    path: str
    soname: str
    arch: str | Unknown = UNKNOWN
    version: str | Unknown = UNKNOWN


class Toolkit(Seen):
    """A release of CUDA or ROCm as a file of it says."""

    kind: str
    """`cuda` or `rocm`."""
    version: str


class DeviceCode(Seen):
    """Code for GPUs inside a program or library."""

    path: str
    targets: tuple[str, ...]
    """Processors that it was compiled for: `sm_90`, `gfx90a`."""
    portable: tuple[str, ...] = ()
    """Processors from which on the driver can compile it: `compute_70`."""


class GpuFacts(Value):
    """All about GPUs in one image."""

    libraries: tuple[GpuLibrary, ...] = ()
    toolkits: tuple[Toolkit, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)
    """What the image's environment says to GPU runtimes: `NVIDIA_REQUIRE_CUDA`, …"""
    code: tuple[DeviceCode, ...] = ()
