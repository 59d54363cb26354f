"""Nodes, partitions and their network as a site profile describes them; does not read files."""

from typing import Literal

from pydantic import Field

from hpcrun.model.base import UNKNOWN, Line, Unknown, Value


class Gpu(Value):
    """One kind of GPU in a node."""

    model: Line
    count: int | Unknown = UNKNOWN
    vendor: Literal["nvidia", "amd", "intel"] | Unknown = UNKNOWN
    compute: Line | Unknown = UNKNOWN
    memory_mib: int | Unknown = UNKNOWN


class NodeOs(Value):
    """The operating system of a node."""

    id: Line | Unknown = UNKNOWN
    version: Line | Unknown = UNKNOWN
    glibc: Line | Unknown = UNKNOWN
    kernel: Line | Unknown = UNKNOWN
    user_namespaces_max: int | Unknown = UNKNOWN
    user_namespaces: bool | Unknown = UNKNOWN
    """Whether ordinary users may make them: no AppArmor, no sysctl forbids it."""
    subuids: bool | Unknown = UNKNOWN
    """Whether users have ranges in /etc/subuid."""


class FabricExpectation(Value):
    """What the fabric gives when it is used right."""

    latency_us_max: float | None = None
    bandwidth_mb_s_min: float | None = None


class Fabric(Value):
    """The network between nodes and its user space."""

    kind: Literal["ethernet", "infiniband", "omni-path", "slingshot", "efa"] | Unknown = UNKNOWN
    name: Line | Unknown = UNKNOWN
    """What people call it."""
    gbit_s: float | Unknown = UNKNOWN
    """Of one port."""
    ports: int | Unknown = UNKNOWN
    """In one node."""
    providers: tuple[str, ...] | Unknown = UNKNOWN
    devices: tuple[str, ...] | Unknown = UNKNOWN
    libraries: dict[str, Line | Unknown] = Field(default_factory=dict)
    """Versions of its user space on the node: libfabric, ucx, rdma-core."""
    settings: dict[str, str] = Field(default_factory=dict)
    """Variables that the site's own MPI runs with."""
    never: tuple[str, ...] = ()
    """Transports that show that the network is not used right."""
    expect: FabricExpectation = FabricExpectation.model_construct()


class Emulation(Value):
    """One registered handler for foreign programs (binfmt_misc)."""

    arch: Line
    emulator: Line
    version: Line | Unknown = UNKNOWN
    flags: str = ""
    enabled: bool | Unknown = UNKNOWN
    """Whether the entry is in force; one that a profile lists is taken to be."""
    magic: Line | Unknown = UNKNOWN
    """The bytes by which the kernel knows its programs, in hexadecimal."""


class NodeClass(Value):
    """Nodes that are alike."""

    nodes: int | Unknown = UNKNOWN
    cpu: Line | Unknown = UNKNOWN
    """What the processor is called."""
    features: tuple[str, ...] | Unknown = UNKNOWN
    """What Slurm calls them, for `submit.constraint`."""
    arch: Line | Unknown = UNKNOWN
    """As `uname -m` says: x86_64, aarch64, ppc64le, riscv64."""
    microarch: Line | Unknown = UNKNOWN
    sockets: int | Unknown = Field(default=UNKNOWN)
    cores: int | Unknown = UNKNOWN
    """Cores of the node, not of a socket."""
    cores_reserved: int | Unknown = UNKNOWN
    """Of these, kept from jobs."""
    threads_per_core: int | Unknown = UNKNOWN
    memory_mib: int | Unknown = UNKNOWN
    gpus: tuple[Gpu, ...] | Unknown = UNKNOWN
    gpu_driver: Line | None = None
    gpu_runtime: Line | None = None
    """Newest CUDA or ROCm that the driver takes."""
    os: NodeOs = NodeOs.model_construct()
    fabric: Fabric = Fabric.model_construct()
    emulation: tuple[Emulation, ...] | Unknown = UNKNOWN
    node_local: Line | None = None


class Partition(Value):
    """A Slurm partition."""

    about: Line | None = None
    node_classes: tuple[str, ...] = Field(min_length=1)
    are_classes_known: bool = True
    """False where the profile calls them unknown: then any class may be in it."""
    nodes: int | Unknown = UNKNOWN
    nodes_min: int | Unknown = UNKNOWN
    """That a job must have."""
    nodes_max: int | Unknown | None = UNKNOWN
    """That a job may have; None is no limit."""
    cores_max: int | Unknown = UNKNOWN
    """That a job may have on a node."""
    memory_mib_max: int | Unknown = UNKNOWN
    """That a job may have on a node."""
    walltime_max_s: int | Unknown | None = UNKNOWN
    """None is no limit."""
    default: bool = False
    open: bool | Unknown = UNKNOWN
    """Whether everybody may use it."""
    exclusive: bool | Unknown = UNKNOWN
    """Whether a job has its nodes for itself."""
    gpus_required: bool | Unknown = UNKNOWN
    qos: tuple[str, ...] | Unknown = UNKNOWN
    internet: bool | Unknown = UNKNOWN
    account_ending: Line | None = None
    """What the account's name ends with for it."""


class Qos(Value):
    """A quality of service."""

    about: Line | None = None
    partitions: tuple[str, ...] | Unknown = UNKNOWN
    nodes_min: int | Unknown = UNKNOWN
    nodes_max: int | Unknown | None = UNKNOWN
    walltime_max_s: int | Unknown | None = UNKNOWN
