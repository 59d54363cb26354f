"""Which drivers GPU software needs, and what GPUs are by their names; does not judge any."""

import re
from functools import cache
from itertools import pairwise
from typing import Literal, Self

from pydantic import model_validator

from hpcrun.model.base import UNKNOWN, Unknown, is_known
from hpcrun.model.nodes import Gpu
from hpcrun.tables.mpi_families import Pattern
from hpcrun.tables.rows import Document, Row, load_table
from hpcrun.tables.versions import version_key


class CudaRelease(Row):
    """A release of CUDA, and the first driver that has all of it."""

    release: str
    driver: str


class CudaMajor(Row):
    """From which driver on programs of a major version run."""

    major: str
    driver: str


class RocmDriver(Row):
    """A driver, and the releases of ROCm that it is supported with."""

    driver: str
    since: str
    until: str
    """The last one, by its first two numbers."""


class Model(Row):
    """GPUs by their names."""

    pattern: Pattern
    vendor: Literal["nvidia", "amd", "intel"]
    compute: str | None = None
    is_data_center: bool | None = None


class Generic(Row):
    """A target that stands for several processors."""

    target: str
    processors: tuple[str, ...]


class HostLibraries(Row):
    """What the host's libraries for GPUs need of an image."""

    vendor: str
    glibc: str


class GlibcJump(Row):
    """A release of glibc that most libraries built on it need."""

    release: str


class GpuVersions(Document):
    """What GPU software needs of drivers and GPUs."""

    cuda: tuple[CudaRelease, ...]
    cuda_majors: tuple[CudaMajor, ...]
    rocm: tuple[RocmDriver, ...]
    models: tuple[Model, ...]
    generic: tuple[Generic, ...]
    host_libraries: tuple[HostLibraries, ...]
    glibc_jumps: tuple[GlibcJump, ...]

    @model_validator(mode="after")
    def _check_ladders(self) -> Self:
        cuda = [(version_key(row.release), version_key(row.driver)) for row in self.cuda]
        majors = [(version_key(row.major), version_key(row.driver)) for row in self.cuda_majors]
        for name, rungs in (("cuda", cuda), ("cuda_majors", majors)):
            for (release, driver), (later, newer) in pairwise(rungs):
                if release >= later or driver >= newer:
                    raise ValueError(f"ladder {name} does not rise at {later}")
        for one, other in pairwise(self.rocm):
            if not one.driver or version_key(one.driver) >= version_key(other.driver):
                raise ValueError(f"drivers of ROCm do not rise at {other.driver}")
            if version_key(one.since) > version_key(other.since):
                raise ValueError(f"releases of ROCm do not rise at {other.driver}")
        return self

    def cuda_of(self, driver: str) -> str | None:
        """Return the newest CUDA whose every feature a driver has; None for ancient ones.

        Of a driver that is named by its branch alone the best is assumed.
        """
        rows = (row for row in reversed(self.cuda) if is_driver(driver, row.driver))
        return next((row.release for row in rows), None)

    def first_driver(self, cuda: str) -> str | None:
        """Return the driver from which on programs of a CUDA run; None where no row tells."""
        major = str(version_key(cuda)[0]) if version_key(cuda) else ""
        for row in self.cuda_majors:
            if row.major == major:
                return row.driver
        wanted = version_key(cuda)[:2]
        return next((row.driver for row in self.cuda if version_key(row.release) == wanted), None)

    def rocm_driver(self, driver: str) -> RocmDriver | None:
        """Return the row of an AMD driver, by its first two numbers."""
        number = ".".join(driver.split(".")[:2])
        return next((row for row in self.rocm if row.driver == number), None)

    def model(self, name: str) -> Model | None:
        """Return what is known about GPUs of a name."""
        return _model(name)

    def processors_of(self, target: str) -> tuple[str, ...]:
        """Return the processors that code for a target runs on."""
        rows = (row.processors for row in self.generic if row.target == target)
        return next(rows, (target,))

    def glibc_of(self, vendor: str) -> str | None:
        """Return the glibc that a vendor's driver libraries need; None where nothing tells."""
        return next((row.glibc for row in self.host_libraries if row.vendor == vendor), None)

    def jump_between(self, older: str, newer: str) -> str | None:
        """Return the release that libraries built on the newer glibc need and the older lacks."""
        for row in self.glibc_jumps:
            if version_key(older) < version_key(row.release) <= version_key(newer):
                return row.release
        return None


def is_driver(driver: str, at_least: str) -> bool:
    """Whether a driver is new enough; one named by its branch alone is taken for its newest."""
    own, needed = version_key(driver), version_key(at_least)
    return own[:1] >= needed[:1] if "." not in driver else own >= needed


@cache
def _model(name: str) -> Model | None:
    return next((row for row in gpu_versions().models if re.fullmatch(row.pattern, name)), None)


def vendor_of(gpu: Gpu) -> str | Unknown:
    """Return who makes a GPU: as the profile says, else by its name."""
    if is_known(gpu.vendor):
        return gpu.vendor
    row = gpu_versions().model(gpu.model)
    return row.vendor if row else UNKNOWN


def compute_of(gpu: Gpu) -> str | Unknown:
    """Return a GPU's compute capability or gfx name: as the profile says, else by its name."""
    if is_known(gpu.compute):
        return gpu.compute
    row = gpu_versions().model(gpu.model)
    return row.compute if row and row.compute else UNKNOWN


@cache
def gpu_versions() -> GpuVersions:
    """Return the table of drivers and GPUs."""
    return load_table("gpu_versions", GpuVersions)
