"""Intel MPI is told where the libfabric that it brings has its parts, in image and host stack."""

from typing import Any

import pytest

from hpcrun.model.fabric import FabricLibrary, FabricUse
from hpcrun.model.image import ImageFacts, MpiLibrary, StackFacts
from hpcrun.planner import plan_job
from tests.unit.planner.measured import ability, image, job, library, site, user


def _intel(prefix: str, fabric: str) -> tuple[MpiLibrary, FabricLibrary]:
    path = f"{prefix}/{fabric}/libfabric.so.1"
    use = FabricUse(kind="libfabric", how="loaded", path=path, evidence="constant")
    found = FabricLibrary(
        kind="libfabric", path=path, soname="libfabric.so.1", parts=("tcp", "shm"), evidence="x"
    )
    lib = library(
        *("mpich", "2021.10.0", "libmpi.so.12", ability("pmi1")),
        implementation="intel-mpi",
        path=f"{prefix}/lib/libmpi.so.12",
        glibc_needed="2.14",
        fabrics=(use,),
    )
    return lib, found


def _image(fabric: str, **env: str) -> ImageFacts:
    lib, found = _intel("/opt/mpi", fabric)
    container = {"environment": env}
    return image(lib, users=(user("libmpi.so.12"),), fabrics=(found,), container=container)


def _variables(
    facts: ImageFacts, kind: str, stacks: dict[str, StackFacts] | None = None, **more: Any
) -> dict[str, str]:
    nodes = {"compute": site().node_classes["compute"].to_json() | {"fabric": {"kind": kind}}}
    scheduler = {"mpi_types": ("none", "pmi2")}
    here = site(node_classes=nodes, scheduler=scheduler, **more)
    made = plan_job(job(), here, {"amd64": facts}, stacks or {})
    assert made.chosen is not None, made.diagnostics
    return {n: v.value for n, v in made.environment.items() if n.startswith(("FI_", "LD_"))}


PATHS = {"FI_PROVIDER_PATH": "/opt/mpi/lib/libfabric/prov"}


@pytest.mark.parametrize(
    ("fabric", "kind", "env", "expected"),
    [
        ("lib/libfabric", "ethernet", {}, PATHS | {"FI_PROVIDER": "tcp"}),
        ("lib/libfabric", "unknown", {}, PATHS),
        ("lib", "unknown", {}, {"FI_PROVIDER_PATH": "/opt/mpi/lib"}),
        ("lib/libfabric", "ethernet", {"FI_PROVIDER_PATH": "/x"}, {"FI_PROVIDER": "tcp"}),
        ("lib/libfabric", "unknown", {"FI_PROVIDER_PATH": "/x"}, {}),
        ("elsewhere", "ethernet", {}, {}),
    ],
)
def test_image_s_own_libfabric_is_shown_its_parts(
    fabric: str, kind: str, env: dict[str, str], expected: dict[str, str]
) -> None:
    assert _variables(_image(fabric, **env), kind) == expected


def test_host_stack_s_own_libfabric_is_on_the_path_with_its_parts() -> None:
    lib, found = _intel("/read/here", "lib/libfabric")
    stack = StackFacts.model_validate(
        {"prefix": "/read/here", "libraries": (lib,), "fabrics": (found,)}
    )
    described = {"family": "mpich", "version": "2021.10.0", "prefix": "/opt/intel"}
    facts = image(users=(user("libmpi.so.12"),))
    found_variables = _variables(
        facts, "ethernet", {"intel": stack}, mpi_stacks={"intel": described}
    )
    assert found_variables == {
        "FI_PROVIDER": "tcp",
        "FI_PROVIDER_PATH": "/opt/intel/lib/libfabric/prov",
        "LD_LIBRARY_PATH": "/opt/intel/lib:/opt/intel/lib/libfabric",
    }
