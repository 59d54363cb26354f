"""The shape of a sandbox: its node classes and partitions, as Slurm is told; starts nothing.

The usual one has one class and one partition. With `--like` it is that of a site's profile, on
fewer nodes and with what is unknown there filled in; what cannot be had here, imitation.py tells.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from hpcrun.errors import InputError, UsageError
from hpcrun.model.base import is_known, known
from hpcrun.model.nodes import Gpu, NodeClass, Partition
from hpcrun.model.site import RequiredOptions, Site
from hpcrun.sandbox.hardware import Hardware

PARTITION = "main"
CLASS = "compute"
DEFAULT_NODES = 2
_MOST_NODES = 200
_MOST_GPUS = 64
_USUAL_WALLTIME_MIN = 24 * 60
# A network link has at most 15 letters in its name: `v-`, this, and a number of up to 3 digits.
_LONGEST_STEM = 9
_RESERVED = {"all", "default"}
"""Names that slurm.conf(5) keeps for itself."""


@dataclass(frozen=True)
class ClassShape:
    """Nodes that are alike."""

    name: str
    nodes: tuple[str, ...]
    cores: int
    memory_mib: int
    sockets: int = 1
    threads_per_core: int = 1
    features: tuple[str, ...] = ()
    gpus: tuple[Gpu, ...] = ()

    @property
    def n_cpus(self) -> int:
        """Return how many slurm cpus each node has."""
        return self.cores * self.threads_per_core


@dataclass(frozen=True)
class PartitionShape:
    """A partition."""

    name: str
    classes: tuple[str, ...]
    nodes: tuple[str, ...]
    walltime_max_min: int | None = _USUAL_WALLTIME_MIN
    """Slurm counts minutes; None is no limit."""
    is_default: bool = True


@dataclass(frozen=True)
class Shape:
    """All of them, and what else a site says of how jobs are taken."""

    classes: tuple[ClassShape, ...]
    partitions: tuple[PartitionShape, ...]
    like: str | None = None
    """Name of the profile that it follows, and a hash of what it takes from there."""
    mpi_default: str | None = None
    mpi_types: tuple[str, ...] | None = None
    required: RequiredOptions = field(default=RequiredOptions())

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the compute nodes."""
        return tuple(node for shape in self.classes for node in shape.nodes)


def node_names(n_nodes: int) -> tuple[str, ...]:
    """Return the names of that many nodes of the usual shape."""
    return tuple(f"n{number}" for number in range(1, n_nodes + 1))


def plan_shape(like: Site | None, n_nodes: int | None, hardware: Hardware) -> Shape:
    """Return the shape of a site where one is given, else the usual one."""
    if n_nodes is not None and not 1 <= n_nodes <= _MOST_NODES:
        raise UsageError(f"a sandbox has 1 to {_MOST_NODES} nodes, not {n_nodes}")
    if like is None:
        return _usual_shape(n_nodes or DEFAULT_NODES, hardware)
    shape = _shape_like(like, n_nodes or DEFAULT_NODES, hardware)
    if len(shape.nodes) > _MOST_NODES:
        raise UsageError(
            f"a sandbox has 1 to {_MOST_NODES} nodes, not {len(shape.nodes)}",
            help=[
                f"profile `{like.name}` has {len(shape.classes)} node classes: --nodes is each's"
            ],
        )
    return shape


def _usual_shape(n_nodes: int, hardware: Hardware) -> Shape:
    nodes = node_names(n_nodes)
    only = ClassShape(CLASS, nodes, hardware.cores, hardware.memory_mib)
    return Shape((only,), (PartitionShape(PARTITION, (CLASS,), nodes),))


def _shape_like(site: Site, most: int, hardware: Hardware) -> Shape:
    used = {name for partition in site.partitions.values() for name in partition.node_classes}
    stems = _stems([name for name in site.node_classes if name in used])
    classes = tuple(
        _class_shape(name, site, _node_names_of(stem, _n_nodes(site, name, most)), hardware)
        for name, stem in stems.items()
    )
    if not classes:
        raise InputError(
            f"profile `{site.name}` has no partition with nodes, so there is no shape to follow",
            help=["describe `node_classes` and `partitions` in it"],
        )
    nodes = {shape.name: shape.nodes for shape in classes}
    partitions = tuple(
        _partition_shape(name, partition, nodes) for name, partition in site.partitions.items()
    )
    shape = Shape(
        classes,
        partitions,
        like=site.name,
        mpi_default=known(site.scheduler.mpi_default),
        mpi_types=known(site.scheduler.mpi_types),
        required=site.scheduler.required,
    )
    return replace(shape, like=f"{site.name} ({_hash(shape)})")


def _hash(shape: Shape) -> str:
    """Tell a profile that was changed since; how many nodes were asked for stands elsewhere."""
    bare = replace(shape, classes=tuple(replace(one, nodes=()) for one in shape.classes))
    bare = replace(bare, partitions=tuple(replace(one, nodes=()) for one in shape.partitions))
    return hashlib.sha256(repr(bare).encode()).hexdigest()[:8]


def _n_nodes(site: Site, name: str, most: int) -> int:
    """Return how many nodes of a class to have: not more than any partition has of them."""
    sizes = [part.nodes for part in site.partitions.values() if name in part.node_classes]
    if not all(isinstance(size, int) for size in sizes):
        return most
    return max(1, min(most, max(size for size in sizes if isinstance(size, int))))


def _class_shape(name: str, site: Site, nodes: tuple[str, ...], hardware: Hardware) -> ClassShape:
    found: NodeClass = site.node_classes[name]
    cores = max(1, known(found.cores) or hardware.cores)
    sockets = max(1, known(found.sockets) or 1)
    gpus = tuple(gpu for gpu in known(found.gpus) or () if is_known(gpu.count))
    if sum(known(gpu.count) or 0 for gpu in gpus) > _MOST_GPUS:
        raise InputError(
            f"node class `{name}` of profile `{site.name}` has more than {_MOST_GPUS} GPUs",
            help=["correct `count` of its `gpus`; each gets a device in the sandbox"],
        )
    return ClassShape(
        name=name,
        nodes=nodes,
        cores=cores,
        memory_mib=max(1, known(found.memory_mib) or hardware.memory_mib),
        sockets=sockets if cores % sockets == 0 else 1,
        threads_per_core=max(1, known(found.threads_per_core) or 1),
        features=known(found.features) or (),
        gpus=gpus,
    )


def _partition_shape(
    name: str, partition: Partition, nodes: dict[str, tuple[str, ...]]
) -> PartitionShape:
    if name.lower() in _RESERVED:
        raise InputError(f"Slurm cannot have a partition of the name `{name}`")
    # Some nodes of each class where the partition has fewer than its classes have together.
    turns = zip_longest(*(nodes[one] for one in partition.node_classes))
    chosen = tuple(dict.fromkeys(node for turn in turns for node in turn if node is not None))
    size = partition.nodes if isinstance(partition.nodes, int) else len(chosen)
    kept = chosen[: max(size, len(partition.node_classes))]
    limit = partition.walltime_max_s
    return PartitionShape(
        name=name,
        classes=partition.node_classes,
        nodes=kept,
        walltime_max_min=-(-limit // 60) if isinstance(limit, int) else None,
        is_default=partition.default,
    )


def _stems(names: Sequence[str]) -> dict[str, str]:
    """Return for each class what its nodes' names begin with: no digit at the end, none twice."""
    stems: dict[str, str] = {}
    for name in names:
        stems[name] = next(stem for stem in _stem_choices(name) if stem not in stems.values())
    return stems


def _stem_choices(name: str) -> Iterator[str]:
    bare = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "node"
    short = bare[: _LONGEST_STEM - 1].strip("-")
    yield short if not short[-1].isdigit() else f"{short}-"
    for letter in "abcdefghijklmnopqrstuvwxyz":
        for other in "abcdefghijklmnopqrstuvwxyz":
            yield f"{bare[: _LONGEST_STEM - 3].strip('-')}-{letter}{other}"


def _node_names_of(stem: str, n_nodes: int) -> tuple[str, ...]:
    return tuple(f"{stem}{number}" for number in range(1, n_nodes + 1))
