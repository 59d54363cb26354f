"""Cases of the rules about the network between nodes."""

from typing import Any

from hpcrun.model.fabric import FabricLibrary
from hpcrun.model.gpu import GpuFacts, GpuLibrary
from hpcrun.model.image import ImageFacts
from tests.unit.rules.given import Case, Given, network, nodes, recorded, stacks

_MPICH = recorded("mpich-4.2.1")
_OPENMPI = recorded("openmpi-5.0.7")
_NCCL = GpuLibrary(
    kind="nccl", path="/usr/lib/libnccl.so.2", soname="libnccl.so.2", evidence="its name"
)
_PLUGIN = GpuLibrary(
    kind="nccl-plugin", path="/usr/lib/libnccl-net-ofi.so", soname="-", evidence="its name"
)


def _with_fabric(facts: ImageFacts, kind: str, **changes: Any) -> ImageFacts:
    def changed(library: FabricLibrary) -> FabricLibrary:
        return library.model_copy(update=changes) if library.kind == kind else library

    return facts.model_copy(update={"fabrics": tuple(map(changed, facts.fabrics))})


def _without(facts: ImageFacts, *kinds: str) -> ImageFacts:
    """Take away network libraries, and that the MPI uses them."""
    mpi = facts.mpi[0]
    uses = tuple(use for use in mpi.fabrics if use.kind not in kinds)
    libraries = tuple(library for library in facts.fabrics if library.kind not in kinds)
    changes = {"fabrics": libraries, "mpi": (mpi.model_copy(update={"fabrics": uses}),)}
    return facts.model_copy(update=changes)


def _needing(interface: str) -> ImageFacts:
    mpi = _OPENMPI.mpi[0]
    uses = tuple(
        use.model_copy(update={"interface_needed": interface}) if use.kind == "libfabric" else use
        for use in mpi.fabrics
    )
    return _OPENMPI.model_copy(update={"mpi": (mpi.model_copy(update={"fabrics": uses}),)})


def _with_gpu(*libraries: GpuLibrary) -> ImageFacts:
    return _OPENMPI.model_copy(update={"gpu": GpuFacts(libraries=libraries)})


_GPU_NODES = (
    nodes(gpus=[{"model": "A100", "count": 1, "vendor": "nvidia"}], fabric={"kind": "efa"})
    | stacks()
)
_MELLANOX = nodes(fabric={"kind": "infiniband", "devices": ["mlx5_0"]}) | stacks()
_NO_DRIVERS = _with_fabric(_without(_MPICH, "mlx5", "efa"), "verbs", parts=())
_FOREIGN = _with_fabric(_MPICH, "verbs", foreign_parts=("libmlx5.so.1 needs IBVERBS_PRIVATE_25",))
_OPENIB_ONLY = _without(recorded("openmpi-4.1.4"), "ucx", "libfabric")

NETWORK: dict[str, Case] = {
    "HPR322": Case(
        fires=Given(image=_NO_DRIVERS, site=network("infiniband")),
        silent=Given(image=_MPICH, site=network("infiniband")),
    ),
    "HPR323": Case(
        fires=Given(image=_FOREIGN, site=_MELLANOX),
        silent=Given(image=_MPICH, site=_MELLANOX),
    ),
    "HPR324": Case(
        fires=Given(image=_needing("FABRIC_1.9"), site=network("infiniband")),
        silent=Given(image=_needing("FABRIC_1.8"), site=network("infiniband")),
    ),
    "HPR325": Case(
        fires=Given(image=_with_gpu(_NCCL), site=_GPU_NODES),
        silent=Given(image=_with_gpu(_NCCL, _PLUGIN), site=_GPU_NODES),
        fires_too=("HPR702",),
    ),
    "HPR326": Case(
        fires=Given(image=_MPICH, site=network("infiniband")),
        silent=Given(image=_MPICH, site=network("infiniband")),
        silent_job='env: {UCX_TLS: "rc,self"}',
    ),
    "HPR327": Case(
        fires=Given(
            image=_with_fabric(_MPICH, "verbs", version="27.0"), site=network("infiniband")
        ),
        silent=Given(
            image=_with_fabric(_MPICH, "verbs", version="28.0"), site=network("infiniband")
        ),
    ),
    "HPR329": Case(
        fires=Given(image=_OPENIB_ONLY, site=network("infiniband")),
        silent=Given(image=_OPENIB_ONLY, site=network("infiniband")),
        silent_job='env: {OMPI_MCA_btl_openib_allow_ib: "1"}',
    ),
}
