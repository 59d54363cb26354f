"""What the site's container runtime takes and allows: versions, namespaces, images, memory."""

from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from hpcrun.compat.container import check_container, check_targets
from hpcrun.compat.namespaces import check_image_mounts, check_namespaces
from hpcrun.compat.runtime import (
    check_bind_allowed,
    check_feature,
    check_library_order,
    mounted_libraries_first,
)
from hpcrun.compat.shared_memory import check_shared_memory
from hpcrun.model.container import ContainerFacts, Signature
from hpcrun.model.fabric import FabricUse
from hpcrun.model.image import ImageFacts, MpiLibrary
from hpcrun.model.nodes import NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Verdict
from tests.unit.planner.measured import SHARE, image, library, site


def told(verdict: Verdict) -> str:
    if not verdict.weight:
        return verdict.answer
    return f"{verdict.reasons[0].code} {verdict.force}"


def here(*, images: dict[str, Any] | None = None, **runtime: Any) -> Site:
    values = {"kind": "apptainer", "version": "1.4.5", "mode": "userns"} | runtime
    return site(runtime=values, images=images or {})


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [(True, "compatible"), (False, "HPR506 refuses"), ("unknown", "HPR506 refuses")],
)
def test_mounts_of_users(allowed: object, expected: str) -> None:
    assert told(check_bind_allowed(here(user_bind=allowed))) == expected


FEATURES = {
    ("apptainer", "1.3.0"): "compatible",
    ("apptainer", "1.2.5"): "HPR512 warns",
    ("apptainer", "unknown"): "HPR512 skips",
    ("singularity-ce", "4.1.0"): "HPR512 warns",
}


@pytest.mark.parametrize(
    ("make", "expected"), FEATURES.items(), ids=["-".join(m) for m in FEATURES]
)
def test_one_namespace_for_all_ranks_of_a_node(make: tuple[str, str], expected: str) -> None:
    kind, version = make
    assert told(check_feature(here(kind=kind, version=version), "sharens")) == expected


@pytest.mark.parametrize("version", ["1.1.0", "1.4.5", "1.5.0", "unknown"])
def test_library_path_of_the_script_is_first_in_every_version(version: str) -> None:
    assert told(check_library_order(here(version=version))) == "compatible"


@pytest.mark.parametrize(
    ("version", "first"), [("1.4.5", True), ("1.5.0", False), ("1.5.3", False), ("unknown", None)]
)
def test_mounted_libraries_lost_their_place_in_apptainer_1_5(
    version: str, *, first: bool | None
) -> None:
    assert mounted_libraries_first(here(version=version)) is first


NAMESPACES = {
    "enough": ("userns", {"user_namespaces_max": 8}, "compatible"),
    "too-few-to-start-them-together": ("userns", {"user_namespaces_max": 7}, "HPR513 warns"),
    "too-few-for-the-ranks": ("userns", {"user_namespaces_max": 3}, "HPR513 refuses"),
    "none": ("userns", {"user_namespaces_max": 0}, "HPR513 refuses"),
    # Apptainer's own program may be let where `unshare` is not.
    "forbidden-to-users": ("userns", {"user_namespaces": False}, "HPR513 warns"),
    "limit-unknown": ("userns", {}, "compatible"),
    "setuid": ("setuid", {"user_namespaces_max": 0}, "compatible"),
    "mode-unknown": ("unknown", {"user_namespaces_max": 0}, "HPR513 skips"),
    "mode-unknown-on-ubuntu": ("unknown", {"id": "ubuntu", "version": "24.04"}, "HPR513 skips"),
    "mode-unknown-on-older-ubuntu": ("unknown", {"id": "ubuntu", "version": "22.04"}, "compatible"),
}


@pytest.mark.parametrize(("mode", "os", "expected"), NAMESPACES.values(), ids=NAMESPACES)
def test_user_namespaces_of_four_ranks(mode: str, os: dict[str, Any], expected: str) -> None:
    classes = {"c": NodeClass.model_validate({"os": os})}
    assert told(check_namespaces(here(mode=mode), classes, ranks_per_node=4)) == expected


MOUNTS = {
    ("userns", "sif", 64): "HPR516 warns",
    ("userns", "sif", 63): "compatible",
    ("userns", "squashfs", 128): "HPR516 warns",
    ("userns", "folder", 128): "compatible",
    ("setuid", "sif", 128): "compatible",
    ("unknown", "sif", 128): "compatible",
}


@pytest.mark.parametrize(("given", "expected"), MOUNTS.items(), ids=[str(m) for m in MOUNTS])
def test_mounts_of_the_image_on_a_node(given: tuple[str, str, int], expected: str) -> None:
    mode, kind, ranks = given
    assert told(check_image_mounts(here(mode=mode), kind=kind, ranks_per_node=ranks)) == expected


def kept(facts: ImageFacts, where: Site) -> list[str]:
    return [told(v) for v in check_container(facts, where) if v.weight]


SIF = image()
FOLDER = image(kind="folder")
SIGNED = image(container=ContainerFacts(signatures=(Signature(object_id=4, covers="group 1"),)))
ALLOWED = {
    "nothing-known": (SIF, here(), []),
    "kind-taken": (SIF, here(image_kinds=["sif"]), []),
    "kind-not-taken": (FOLDER, here(image_kinds=["sif"]), ["HPR514 refuses", "HPR515 skips"]),
    "folder-taken": (SIF, here(mode="setuid", image_folders=[SHARE]), []),
    "folder-not-taken": (
        SIF,
        here(mode="setuid", image_folders=[Path("/apps/images")]),
        ["HPR514 refuses"],
    ),
    # Measured with 1.4.5: the limit holds without setuid too.
    "limit-without-setuid": (SIF, here(image_folders=[Path("/apps/images")]), ["HPR514 refuses"]),
    "no-limit": (SIF, here(mode="setuid", image_folders=[]), []),
    "unsigned": (SIF, here(signed_images=True), ["HPR514 refuses"]),
    "signed-by-somebody": (SIGNED, here(signed_images=True), ["HPR514 skips"]),
    "signature-not-asked-for": (SIF, here(signed_images=False), []),
    "unpacked": (FOLDER, here(images={"unpacked": False}), ["HPR515 warns"]),
    "unpacked-and-taken": (FOLDER, here(images={"unpacked": True}), []),
    "unpacked-and-unknown": (FOLDER, here(), ["HPR515 skips"]),
}


@pytest.mark.parametrize(("facts", "where", "expected"), ALLOWED.values(), ids=ALLOWED)
def test_image_that_the_site_starts(facts: ImageFacts, where: Site, expected: list[str]) -> None:
    assert kept(facts, where) == expected


@pytest.mark.parametrize(
    ("makes", "target", "expected"),
    [
        (False, "/data", "HPR518 warns"),
        (False, "/mnt", "compatible"),
        (True, "/data", "compatible"),
        ("unknown", "/data", "compatible"),
    ],
)
def test_place_of_a_mount(makes: object, target: str, expected: str) -> None:
    assert told(check_targets(here(makes_targets=makes), [PurePosixPath(target)])) == expected


def uses(*kinds: str) -> dict[str, Any]:
    return {"fabrics": [FabricUse(kind=kind, how="linked", evidence="needed") for kind in kinds]}


OPENMPI_4 = library("openmpi", "4.1.4", "libmpi.so.40")
OPENMPI_5 = library("openmpi", "5.0.7", "libmpi.so.40")
MPICH_5 = library("mpich", "5.0.2", "libmpi.so.12")
UCX = library("mpich", "4.0.2", "libmpi.so.12", **uses("ucx"))
PSM2 = library("mpich", "4.0.2", "libmpi.so.12", **uses("psm2"))
MVAPICH = library("mpich", "2.3.7", "libmpi.so.12", implementation="mvapich")
MEMORY = {
    "open-mpi-4": (OPENMPI_4, {}, {}, "openmpi-4-cma"),
    "open-mpi-5": (OPENMPI_5, {}, {}, "shared-memory"),
    "mpich-5": (MPICH_5, {}, {}, "mpich-cma"),
    "ucx": (UCX, {}, {}, "ucx-posix"),
    "psm2-on-omni-path": (PSM2, {"fabric": {"kind": "omni-path"}}, {}, "HPR517 warns"),
    "psm2-elsewhere": (PSM2, {"fabric": {"kind": "infiniband"}}, {}, "shared-memory"),
    "mvapich": (MVAPICH, {}, {}, "HPR517 warns"),
    "mvapich-told": (MVAPICH, {}, {"MV2_SMP_USE_CMA": "0"}, "shared-memory"),
}


def check_memory(
    lib: MpiLibrary,
    node: dict[str, Any],
    env: dict[str, str],
    *,
    mode: str = "userns",
    ranks: int = 2,
    is_emulated: bool = False,
) -> Verdict:
    return check_shared_memory(
        lib,
        "libmpi",
        here(mode=mode),
        {"c": NodeClass.model_validate(node)},
        ranks_per_node=ranks,
        env=env,
        is_emulated=is_emulated,
    )


@pytest.mark.parametrize(("lib", "node", "env", "expected"), MEMORY.values(), ids=MEMORY)
def test_memory_that_ranks_of_a_node_share(
    lib: MpiLibrary, node: dict[str, Any], env: dict[str, str], expected: str
) -> None:
    verdict = check_memory(lib, node, env)
    rows = [ground.table_row.rpartition(" ")[2].strip("`") for ground in verdict.grounds]
    assert [told(verdict)] == [expected] if verdict.weight else expected in rows


def test_memory_is_shared_where_ranks_have_one_user_namespace_or_are_alone() -> None:
    assert told(check_memory(MVAPICH, {}, {}, mode="setuid")) == "compatible"
    assert told(check_memory(MVAPICH, {}, {}, ranks=1)) == "compatible"
    assert told(check_memory(MVAPICH, {}, {}, mode="unknown")) == "HPR517 skips"


def test_emulated_ranks_have_the_settings_even_with_setuid() -> None:
    verdict = check_memory(OPENMPI_4, {}, {}, mode="setuid", is_emulated=True)
    assert [g.table_row for g in verdict.grounds] == ["mpi_settings.yaml row `openmpi-4-cma`"]


def test_unshared_memory_names_the_option_that_would_help() -> None:
    verdict = check_memory(MVAPICH, {}, {})
    assert "`--sharens` came with 1.3.0" in verdict.reasons[0].evidence[-1]
