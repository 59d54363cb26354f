"""What of a site a sandbox of its shape cannot be: one line each; changes nothing.

Nothing that differs goes unsaid, because somebody tries a profile here to know what happens there.
"""

from collections.abc import Iterable, Iterator

from hpcrun.model.base import is_known, known
from hpcrun.model.nodes import NodeClass
from hpcrun.model.site import Site
from hpcrun.sandbox.cluster_files import Cluster
from hpcrun.sandbox.profile import mpi_types
from hpcrun.sandbox.shape import ClassShape, PartitionShape
from hpcrun.sandbox.shape_files import required_options

_FABRIC = "ethernet"


def find_gaps(site: Site, cluster: Cluster) -> tuple[str, ...]:
    """Return what the sandbox has otherwise than the site, as sentences about the sandbox."""
    gaps: list[str] = []
    for find in (_slurm, _mpi, _required, _partitions, _node_classes, _system, _surroundings):
        gaps += find(site, cluster)
    return tuple(gaps)


def _slurm(site: Site, cluster: Cluster) -> Iterator[str]:
    version = known(site.scheduler.version)
    if site.scheduler.kind != "slurm":
        yield f"the scheduler is Slurm, not {site.scheduler.kind}"
    elif version is None or not f"{version}.".startswith(f"{cluster.version.slurm}."):
        there = f"not {version}" if version else "as the profile names no version"
        yield f"Slurm is {cluster.version.slurm}, {there}"
    if cluster.options.accounting:
        yield "accounting has an account of its own, none of the site's accounts and QOS"
    elif site.scheduler.accounting is True:
        yield "there is no accounting (--accounting gives it one): no accounts, QOS and limits"


def _mpi(site: Site, cluster: Cluster) -> Iterator[str]:
    wanted, offered = known(site.scheduler.mpi_types) or (), cluster.version.mpi_types
    if lacking := [kind for kind in wanted if kind not in offered]:
        yield f"srun has no {_list(f'--mpi={kind}' for kind in lacking)}"
    hidden = [kind for kind in offered if kind not in mpi_types(cluster)]
    if hidden:
        flags = _list(f"--mpi={kind}" for kind in hidden)
        yield f"srun has {flags} too, which the site lacks; the sandbox's profile leaves it out"
    default = site.scheduler.mpi_default
    if default != cluster.mpi_default:
        yield f"MpiDefault is {cluster.mpi_default}, {_not(default)}"
    server = site.scheduler.pmix.server if site.scheduler.pmix else None
    if server is not None and is_known(server):
        yield f"PMIx is that of Debian {cluster.version.suite}, not {server}"
    if site.mpi_stacks:
        stacks = _list(site.mpi_stacks)
        yield f"MPI stacks are an Open MPI and an MPICH below /opt/hpc, not {stacks}"


def _required(site: Site, cluster: Cluster) -> Iterator[str]:
    lacking = [
        name
        for name in site.scheduler.required.options
        if name not in required_options(cluster.shape)
    ]
    if lacking:
        yield f"jobs may do without {_list(f'--{name}' for name in lacking)}"


def _partitions(site: Site, cluster: Cluster) -> Iterator[str]:
    for one in cluster.shape.partitions:
        yield from _partition(site, one)
    unused = sorted(set(site.node_classes) - {one.name for one in cluster.shape.classes})
    if unused:
        yield f"no nodes of class {_list(unused)}, which no partition has"


def _partition(site: Site, one: PartitionShape) -> Iterator[str]:
    there = site.partitions[one.name]
    nodes = there.nodes
    if nodes != len(one.nodes):
        yield f"partition `{one.name}` has {len(one.nodes)} nodes, {_not(nodes)}"
    if there.walltime_max_s == "unknown":
        yield f"partition `{one.name}` has no limit of walltime, as the profile knows none"


def _node_classes(site: Site, cluster: Cluster) -> Iterator[str]:
    real = cluster.hardware
    kind = f"the fabric is {_FABRIC} between virtual links"
    for one in cluster.shape.classes:
        there, name = site.node_classes[one.name], f"node class `{one.name}`"
        yield from _sizes(there, one, name)
        if there.arch != real.arch:
            yield f"{name}: the processor is {real.arch}, {_not(there.arch)}"
        yield from _gpus(there, one, name)
        if there.fabric.kind != _FABRIC:
            yield f"{name}: {kind}, {_not(there.fabric.kind)}"
        yield from _emulation(there, one, cluster)


def _emulation(there: NodeClass, one: ClassShape, cluster: Cluster) -> Iterator[str]:
    wanted = known(there.emulation)
    emulation = cluster.emulation
    has = (
        {emulation.emulator.arch} if emulation and set(one.nodes) & set(emulation.nodes) else set()
    )
    if wanted is not None and {handler.arch for handler in wanted} != has:
        arches = _list(sorted(handler.arch for handler in wanted))
        yield (
            f"node class `{one.name}`: emulates {_list(has) or 'no processor'}, not "
            f"{arches or 'any'} (--emulation chooses)"
        )


def _sizes(there: NodeClass, one: ClassShape, name: str) -> Iterator[str]:
    sizes = (
        ("cores", there.cores, one.cores),
        ("sockets", there.sockets, one.sockets),
        ("threads per core", there.threads_per_core, one.threads_per_core),
        ("MiB of memory", there.memory_mib, one.memory_mib),
    )
    for what, wanted, got in sizes:
        if wanted != got:
            yield f"{name}: {got} {what}, {_not(wanted)}"
    if there.features == "unknown":
        yield f"{name}: no features, as the profile knows none"


def _gpus(there: NodeClass, one: ClassShape, name: str) -> Iterator[str]:
    if not is_known(there.gpus):
        yield f"{name}: no GPUs, as the profile does not say which"
        return
    for gpu in there.gpus:
        if gpu in one.gpus:
            yield f"{name}: GPU {gpu.model} can be asked for, but there is no device behind"
        else:
            yield f"{name}: no GPU {gpu.model}, as the profile does not say how many"


def _system(site: Site, cluster: Cluster) -> Iterator[str]:
    yield (
        f"{cluster.hardware.cores} cores and {cluster.hardware.memory_mib} MiB are shared by all "
        "nodes, whatever Slurm is told"
    )
    here = f"Debian {cluster.version.suite} with glibc {cluster.version.glibc}"
    systems = {_system_name(site.node_classes[one.name]) for one in cluster.shape.classes}
    for there in sorted(systems):
        yield f"nodes run {here}, {there}"


def _system_name(there: NodeClass) -> str:
    parts = [known(there.os.id), known(there.os.version)]
    glibc = known(there.os.glibc)
    told = [*(part for part in parts if part), *([f"with glibc {glibc}"] if glibc else [])]
    return f"not {' '.join(told)}" if told else "as the profile does not say which"


def _surroundings(site: Site, cluster: Cluster) -> Iterator[str]:
    runtime = site.runtime
    there = " ".join(part for part in (runtime.kind, known(runtime.version)) if part)
    mode = f" in mode {runtime.mode}" if known(runtime.mode) == "setuid" else ""
    yield f"images are run by the sandbox's Apptainer in mode userns, not by {there}{mode}"
    shared = known(site.filesystems.shared)
    if shared:
        yield f"the shared folders are {cluster.share} and the home, not {_list(map(str, shared))}"
    if site.internet.compute is True or site.internet.login is True:
        yield "no node reaches the internet"


def _not(value: object) -> str:
    return "as the profile does not say" if value == "unknown" else f"not {value}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
