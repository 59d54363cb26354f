"""Which networks an image's MPI reaches, by the network libraries that it uses."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from hpcrun.compat.fabric import check_fabric
from hpcrun.compat.fabric_choice import check_choice, check_collectives
from hpcrun.compat.fabric_parts import MpiHolder, check_libfabric, check_ucx
from hpcrun.model.diagnostic import Severity
from hpcrun.model.fabric import FabricLibrary, FabricUse
from hpcrun.model.gpu import GpuFacts, GpuLibrary
from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.model.job import JobMount
from hpcrun.model.verdict import Answer, Force
from hpcrun.planner import plan_job
from hpcrun.planner.judge_network import judge_stack_network
from hpcrun.planner.question import gather
from hpcrun.tables.fabrics import fabrics
from tests.unit.planner.measured import IMAGES, SHARE, STACKS, image, job, site
from tests.unit.planner.measured import library as mpi_library

CORPUS = Path(__file__).resolve().parents[2] / "corpora" / "images"


def recorded(name: str) -> ImageFacts:
    facts = ImageFacts.model_validate_json((CORPUS / f"{name}.facts.json").read_bytes())
    return facts.model_copy(update={"path": SHARE / "app.sif"})


@pytest.mark.parametrize(
    ("image", "network", "is_reached"),
    [
        ("openmpi-5.0.7-x86_64", "infiniband", True),
        ("openmpi-5.0.7-x86_64", "omni-path", True),
        ("openmpi-5.0.7-x86_64", "slingshot", False),
        ("openmpi-5.0.7-x86_64", "efa", True),
        ("mpich-4.2.1-x86_64", "infiniband", True),
        ("mpich-4.2.1-x86_64", "slingshot", False),
        # Its UCX came without the transports for InfiniBand.
        ("mpich-5.0.2-x86_64", "infiniband", False),
        ("mpich-3.4.1-x86_64", "infiniband", False),
        ("mpich-3.4.1-x86_64", "ethernet", True),
        ("mpich-3.4.1-x86_64", "unknown", True),
    ],
)
def test_recorded_images(image: str, network: str, *, is_reached: bool) -> None:
    facts = recorded(image)
    here = site(node_classes={"compute": {"fabric": {"kind": network}}})
    held = MpiHolder(facts, facts.mpi[0])
    verdict = check_fabric(held, here, here.node_classes, may_be_brought=False)
    assert verdict.answer is (Answer.COMPATIBLE if is_reached else Answer.INCOMPATIBLE)


@pytest.mark.parametrize(
    ("network", "library", "part"),
    [
        ("infiniband", "libfabric", "verbs-1.12"),
        ("infiniband", "libfabric", "mlx"),
        ("omni-path", "libfabric", "psmx2"),
        ("infiniband", "pscom", ""),
    ],
)
def test_providers_by_the_names_that_vendors_give_them(
    network: str, library: str, part: str
) -> None:
    assert fabrics().ways(network, library, part, "unknown")


MOUNTS = {
    "/data": Severity.ERROR,
    "/usr/lib64/libcxi.so.1": Severity.WARNING,
    "/usr": Severity.WARNING,
    "/usr/lib/x86_64-linux-gnu/libibverbs": Severity.WARNING,
    "/opt/site": Severity.ERROR,
    "/usr/libexec": Severity.ERROR,
}


@pytest.mark.parametrize(("container", "expected"), MOUNTS.items(), ids=MOUNTS)
def test_mount_may_bring_the_network_along_only_where_libraries_are_looked_for(
    container: str, expected: Severity
) -> None:
    described = site().node_classes["compute"].to_json() | {"fabric": {"kind": "infiniband"}}
    here = site(node_classes={"compute": described}, mpi_stacks={})
    mount = JobMount(host=SHARE, container=PurePosixPath(container))
    wanted = job().model_copy(update={"mounts": (mount,)})
    made = plan_job(wanted, here, {"amd64": recorded("mpich-3.4.1-x86_64")}, {})
    assert [d.severity for d in made.diagnostics if d.code == "HPR321"] == [expected]


@pytest.mark.parametrize(
    ("env", "expected"), [({}, Severity.ERROR), ({"LD_LIBRARY_PATH": "/opt"}, Severity.WARNING)]
)
def test_job_that_may_bring_the_network_along_is_only_warned(
    env: dict[str, str], expected: Severity
) -> None:
    described = site().node_classes["compute"].to_json() | {"fabric": {"kind": "infiniband"}}
    here = site(node_classes={"compute": described}, mpi_stacks={})
    wanted = job().model_copy(update={"env": env})
    made = plan_job(wanted, here, {"amd64": recorded("mpich-3.4.1-x86_64")}, {})
    assert [d.severity for d in made.diagnostics if d.code == "HPR321"] == [expected]


def library(kind: str, **more: Any) -> FabricLibrary:
    values = {"kind": kind, "path": f"/usr/lib/{kind}.so", "soname": kind, "evidence": kind}
    return FabricLibrary.model_validate(values | {"arch": "x86_64"} | more)


def use(kind: str, **more: Any) -> FabricUse:
    values = {"kind": kind, "how": "linked", "path": f"/usr/lib/{kind}.so", "evidence": kind}
    return FabricUse.model_validate(values | more)


def holder(*libraries: FabricLibrary, uses: tuple[FabricUse, ...], **more: Any) -> MpiHolder:
    mpi = mpi_library("mpich", "4.3.2", "libmpi.so.12", fabrics=uses, **more)
    return MpiHolder(image(mpi, fabrics=libraries), mpi)


def judged(
    held: MpiHolder, *, env: Mapping[str, str] | None = None, **fabric: Any
) -> tuple[str, str, str]:
    """Return code, answer and force of the verdict; the code "" where it works."""
    here = site(node_classes={"compute": {"fabric": fabric}})
    verdict = check_fabric(held, here, here.node_classes, may_be_brought=False, env=env or {})
    codes = {reason.code for reason in verdict.reasons}
    return (",".join(sorted(codes)), verdict.answer, verdict.force)


FITS = ("", "compatible", "refuses")
UCX_IB = library("ucx", parts=("ib", "ib_mlx5", "cma"))
UCX_TCP = library("ucx", parts=("cma",))
OFI = library("libfabric", built_in=("tcp", "verbs", "psm2", "cxi", "opx", "efa"))
OFI_MLX = library("libfabric", parts=("mlx",))
VERBS = library("verbs", private="IBVERBS_PRIVATE_34", parts=("hfi1verbs", "irdma"))
MLX5 = library("mlx5")
UCX, LIBFABRIC, IBVERBS = use("ucx"), use("libfabric"), use("verbs")


@pytest.mark.parametrize(
    ("libraries", "uses", "network", "expected"),
    [
        ((UCX_IB, VERBS, MLX5), (UCX,), "infiniband", ""),
        ((UCX_IB, VERBS, MLX5), (UCX,), "slingshot", "HPR321"),
        ((UCX_IB, VERBS, MLX5), (UCX,), "ethernet", ""),
        ((UCX_IB, VERBS, MLX5), (), "infiniband", "HPR321"),
        ((UCX_TCP, VERBS, MLX5), (UCX,), "infiniband", "HPR321"),
        # libuct_ib is there, and nothing that it could load.
        ((UCX_IB,), (UCX,), "infiniband", "HPR322"),
        ((UCX_IB, library("verbs")), (UCX,), "infiniband", "HPR322"),
        ((UCX_IB, library("verbs", parts=("mlx5",))), (UCX,), "infiniband", ""),
        ((library("verbs", parts=("mlx4",)),), (IBVERBS,), "infiniband", ""),
        # Linked to what lies nowhere.
        ((), (IBVERBS,), "infiniband", "HPR322"),
        ((OFI,), (LIBFABRIC,), "slingshot", "HPR322"),
        ((OFI, library("cxi")), (LIBFABRIC,), "slingshot", ""),
        ((OFI, library("psm2")), (LIBFABRIC,), "omni-path", ""),
        ((OFI,), (LIBFABRIC,), "omni-path", ""),
        ((OFI,), (LIBFABRIC,), "efa", "HPR322"),
        ((OFI, library("efa")), (LIBFABRIC,), "efa", ""),
        ((OFI, VERBS, MLX5), (LIBFABRIC,), "infiniband", ""),
        # Intel's provider mlx goes by the UCX of the image.
        ((OFI_MLX,), (LIBFABRIC,), "infiniband", "HPR322"),
        ((OFI_MLX, UCX_IB, VERBS, MLX5), (LIBFABRIC,), "infiniband", ""),
    ],
)  # fmt: skip
def test_ways_to_a_network(
    libraries: tuple[FabricLibrary, ...], uses: tuple[FabricUse, ...], network: str, expected: str
) -> None:
    assert judged(holder(*libraries, uses=uses), kind=network)[0] == expected


def test_library_of_another_processor_does_not_count() -> None:
    foreign = library("verbs", parts=("mlx5",), arch="aarch64")
    assert judged(holder(UCX_IB, foreign, uses=(UCX,)), kind="infiniband")[0] == "HPR322"


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ("unknown", ""),
        (("mlx5_0", "mlx5_1"), "HPR322"),
        (("irdma0",), ""),
        # One of two adapters is driven.
        (("mlx5_0", "hfi1_0"), ""),
        # Names that udev gave tell nothing.
        (("ibp3s0",), ""),
    ],
)
def test_drivers_for_the_adapters_of_the_nodes(
    devices: tuple[str, ...] | str, expected: str
) -> None:
    held = holder(UCX_IB, VERBS, uses=(UCX,))
    assert judged(held, kind="infiniband", devices=devices)[0] == expected


@pytest.mark.parametrize(
    ("devices", "force"),
    [(("mlx5_0",), "refuses"), (("irdma0",), None), ("unknown", "warns")],
)
def test_foreign_drivers_count_against_their_own_adapters(
    devices: tuple[str, ...] | str, force: str | None
) -> None:
    foreign = ("libmlx5-rdmav25.so needs IBVERBS_PRIVATE_25",)
    held = holder(UCX_IB, VERBS.model_copy(update={"foreign_parts": foreign}), uses=(UCX,))
    found = judged(held, kind="infiniband", devices=devices)
    assert found == (("HPR323", "incompatible", force) if force else FITS)


def test_drivers_of_another_rdma_core_are_not_loaded() -> None:
    foreign = ("libmlx5.so.1 needs IBVERBS_PRIVATE_25",)
    verbs = VERBS.model_copy(update={"foreign_parts": foreign})
    here = site(node_classes={"compute": {"fabric": {"kind": "infiniband"}}})
    held = holder(UCX_IB, verbs, MLX5, uses=(UCX,))
    verdict = check_fabric(held, here, here.node_classes, may_be_brought=False)
    (reason,) = verdict.reasons
    assert reason.code == "HPR323"
    assert reason.evidence[-2:] == (
        "app.sif:/usr/lib/verbs.so has IBVERBS_PRIVATE_34 (rdma-core 34 to before 57)",
        "libmlx5.so.1 needs IBVERBS_PRIVATE_25 (rdma-core 25 to before 33)",
    )


@pytest.mark.parametrize(
    ("kind", "providers", "libraries", "expected"),
    [
        # Slingshot 10 has Mellanox' adapters, Slingshot 11 its own.
        ("slingshot", ("verbs", "ofi_rxm"), (UCX_IB, VERBS, MLX5), ""),
        ("slingshot", ("cxi",), (UCX_IB, VERBS, MLX5), "HPR321"),
        ("slingshot", ("cxi", "verbs"), (UCX_IB, VERBS, MLX5), "HPR321"),
        ("slingshot", "unknown", (UCX_IB, VERBS, MLX5), "HPR321"),
    ],
)
def test_generations_of_slingshot(
    kind: str,
    providers: tuple[str, ...] | str,
    libraries: tuple[FabricLibrary, ...],
    expected: str,
) -> None:
    assert judged(holder(*libraries, uses=(UCX,)), kind=kind, providers=providers)[0] == expected


def test_psm2_does_not_drive_an_omni_path_that_has_opx_alone() -> None:
    held = holder(library("psm2"), uses=(use("psm2"),))
    assert judged(held, kind="omni-path", providers=("psm2", "opx")) == FITS
    assert judged(held, kind="omni-path", providers=("opx",))[0] == "HPR321"


ALLOWED = {"OMPI_MCA_btl_openib_allow_ib": "1"}
OPENIB, UCX_OPA = holder(VERBS, uses=(IBVERBS,)), holder(VERBS, UCX_IB, uses=(UCX,))
BOTH = holder(VERBS, UCX_IB, uses=(IBVERBS, UCX))
NO_LIBUCP_DRIVER = holder(
    library("verbs", parts=("mlx5",)),
    library("libfabric", parts=("mlx",)),
    uses=(IBVERBS, LIBFABRIC),
)
WITH_PSM2 = holder(VERBS, UCX_IB, library("psm2"), uses=(UCX, use("psm2")))


@pytest.mark.parametrize(
    ("held", "version", "kind", "env", "expected"),
    [
        (OPENIB, "4.1.4", "infiniband", {}, "HPR329"),
        (OPENIB, "3.1.4", "infiniband", {}, ""),
        (OPENIB, "4.1.4", "infiniband", ALLOWED, ""),
        (BOTH, "4.1.4", "infiniband", {}, ""),
        # Its other way lacks what it needs, and does not count.
        (NO_LIBUCP_DRIVER, "4.1.4", "infiniband", {}, "HPR329"),
        (UCX_OPA, "5.0.7", "omni-path", {}, "HPR329"),
        (UCX_OPA, "5.0.7", "omni-path", {"OMPI_MCA_pml": "ucx"}, ""),
        (WITH_PSM2, "5.0.7", "omni-path", {}, ""),
    ],
)
def test_ways_that_open_mpi_does_not_take_by_itself(
    held: MpiHolder, version: str, kind: str, env: dict[str, str], expected: str
) -> None:
    mpi = held.library.model_copy(update={"implementation": "open-mpi", "version": version})
    code, answer, force = judged(held._replace(library=mpi), env=env, kind=kind)
    assert (code, answer) == (expected, "incompatible" if expected else "compatible")
    assert force == ("warns" if expected else "refuses")


@pytest.mark.parametrize(
    ("needed", "offered", "expected"),
    [
        ("FABRIC_1.7", "FABRIC_1.6", "HPR324"),
        ("FABRIC_1.7", "FABRIC_1.7", ""),
        ("FABRIC_1.3", "FABRIC_1.8", ""),
        # A later one than any table knows.
        ("FABRIC_1.10", "FABRIC_1.9", "HPR324"),
        (None, "FABRIC_1.6", ""),
        ("FABRIC_1.7", None, ""),
    ],
)
def test_symbols_of_libfabric(needed: str | None, offered: str | None, expected: str) -> None:
    held = holder(
        library("libfabric", interface=offered), uses=(use("libfabric", interface_needed=needed),)
    )
    assert [reason.code for reason in check_libfabric(held).reasons] == [expected] * bool(expected)


def test_bound_stack_gets_the_libfabric_of_the_image_where_its_own_is_not_in_its_prefix() -> None:
    outside = "/opt/cray/libfabric/libfabric.so.1"
    uses = (use("libfabric", path=outside, interface_needed="FABRIC_1.6"),)
    mpi = mpi_library("mpich", "8.1", "libmpi.so.12", fabrics=uses, path="/opt/mpi/lib/libmpi.so")
    stack = StackFacts(prefix=Path("/opt/mpi"), libraries=(mpi,))
    for interface, codes in (("FABRIC_1.3", ["HPR324"]), ("FABRIC_1.8", [])):
        facts = image(fabrics=(library("libfabric", interface=interface),))
        verdict = check_libfabric(MpiHolder(facts, mpi, "cray", stack))
        assert [reason.code for reason in verdict.reasons] == codes


def test_mpi_that_opens_libfabric_late_and_finds_none_is_warned_of() -> None:
    held = holder(uses=(use("libfabric", how="loaded", path=None),))
    verdict = check_libfabric(held)
    assert (verdict.reasons[0].code, verdict.force) == ("HPR324", Force.WARNS)


@pytest.mark.parametrize(("rdma_core", "expected"), [("27.0", ["HPR327"]), ("28.0", [])])
def test_ucx_asks_for_a_release_of_rdma_core(rdma_core: str, expected: list[str]) -> None:
    ucx = UCX_IB.model_copy(update={"version": "1.12.1"})
    held = holder(ucx, library("verbs", version=rdma_core), uses=(UCX,))
    assert [reason.code for reason in check_ucx(held).reasons] == expected


@pytest.mark.parametrize(
    ("env", "never", "network", "is_slow"),
    [
        ({"UCX_TLS": "tcp,self"}, (), "infiniband", True),
        ({"UCX_TLS": "tcp,self"}, (), "ethernet", False),
        ({"UCX_TLS": "rc,tcp,self"}, (), "infiniband", False),
        ({"UCX_TLS": "^tcp"}, (), "infiniband", False),
        ({"UCX_TLS": "self,sm"}, (), "infiniband", False),
        ({"FI_PROVIDER": "tcp;ofi_rxm"}, (), "slingshot", True),
        ({"FI_PROVIDER": "verbs;ofi_rxm"}, (), "infiniband", False),
        ({"FI_PROVIDER": "verbs;ofi_rxm"}, ("verbs",), "infiniband", True),
        ({"OMPI_MCA_pml": "ob1"}, (), "infiniband", True),
        ({"OMPI_MCA_pml": "ucx"}, (), "infiniband", False),
        ({"FI_PROVIDER": ""}, (), "infiniband", False),
    ],
)
def test_variables_that_keep_ranks_off_the_network(
    env: dict[str, str], never: tuple[str, ...], network: str, *, is_slow: bool
) -> None:
    here = site(node_classes={"compute": {"fabric": {"kind": network, "never": never}}})
    for job_env, image_env in ((env, {}), ({}, env)):
        verdict = check_choice(job_env, image_env, here, here.node_classes)
        assert [reason.code for reason in verdict.reasons] == ["HPR326"] * is_slow
        assert bool(verdict.weight) == is_slow


@pytest.mark.parametrize(
    ("network", "gpu", "fabrics_there", "expected"),
    [
        ("slingshot", ("nccl",), (), "HPR325"),
        ("slingshot", ("nccl", "nccl-plugin"), (), ""),
        ("slingshot", ("rccl",), (), "HPR325"),
        ("infiniband", ("nccl",), (), "HPR325"),
        ("infiniband", ("nccl",), (VERBS,), ""),
        ("ethernet", ("nccl",), (), ""),
        ("slingshot", (), (), ""),
        ("unknown", ("nccl",), (), ""),
    ],
)
def test_gpu_collectives(
    network: str, gpu: tuple[str, ...], fabrics_there: tuple[FabricLibrary, ...], expected: str
) -> None:
    parts = tuple(
        GpuLibrary(kind=kind, path=f"/usr/lib/{kind}", soname=kind, evidence="its name")
        for kind in gpu
    )
    facts = image(gpu=GpuFacts(libraries=parts), fabrics=fabrics_there)
    here = site(node_classes={"compute": {"fabric": {"kind": network}}})
    verdict = check_collectives(facts, here, here.node_classes, may_be_brought=False)
    assert [reason.code for reason in verdict.reasons] == [expected] * bool(expected)
    brought = check_collectives(facts, here, here.node_classes, may_be_brought=True)
    assert not expected or brought.force is Force.SKIPS


def test_host_stack_of_its_own_site_is_warned_of_and_never_refused() -> None:
    here = site(node_classes={"compute": {"fabric": {"kind": "infiniband"}}})
    question = gather(job(), here, {"amd64": IMAGES["no-mpi"]}, STACKS)
    mpi = STACKS["mpich-4.3.2"].libraries[0]
    judged_here = judge_stack_network(question, "amd64", "mpich-4.3.2", mpi, STACKS["mpich-4.3.2"])
    assert {v.force for v in judged_here if v.weight} == {Force.WARNS}
    unread = judge_stack_network(question, "amd64", "mpich-4.3.2", None, None)
    assert {v.force for v in unread if v.weight} == {Force.SKIPS}
