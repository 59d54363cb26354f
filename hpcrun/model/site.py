"""A site profile as values (formats.md, version 1); does not read files.

Every leaf may be `unknown`, which is reported and never taken for no; where values came from stands
in `Site.sources`, by dotted path.
"""

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field

from hpcrun.model.base import UNKNOWN, Line, Unknown, Value


class Source(Value):
    """Where one value of a profile came from."""

    source: str | None = None
    as_of: date | None = None
    confidence: Literal["documented", "observed", "derived"] | None = None


class Which(Value):
    """How to know that one stands on this site."""

    cluster_name: Line | None = None
    env: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
    hostnames: tuple[str, ...] = ()


class SshAccess(Value):
    """A host that ssh reaches, and where what is sent there lies."""

    host: Line = Field(pattern=r"^[^-]")
    config: Path | None = None
    """A configuration of ssh for this site alone, instead of the user's."""
    folder: Path | None = None
    """At the site, for runs and images of jobs whose files it does not see."""


class Access(Value):
    """How commands reach the site: here, through a command prefix, or by ssh."""

    prefix: tuple[str, ...] | None = Field(default=None, min_length=1)
    ssh: SshAccess | None = None
    is_stated: bool = True
    """False where the profile says `unknown`: the site can be planned for, not submitted to."""

    @property
    def is_local(self) -> bool:
        """Whether commands run right here."""
        return self.is_stated and self.prefix is None and self.ssh is None


class Pmix(Value):
    """The PMIx server inside Slurm's plugin."""

    server: Line | Unknown = UNKNOWN
    psec: tuple[str, ...] | Unknown = UNKNOWN
    gds: tuple[str, ...] | Unknown = UNKNOWN


class RequiredOptions(Value):
    """What sbatch insists on at this site."""

    account: bool = False
    partition: bool = False
    qos: bool = False
    options: dict[str, str] = Field(default_factory=dict)


class SchedulerFacts(Value):
    """The scheduler of the site."""

    kind: Literal["slurm", "pbs", "none"] = "slurm"
    version: Line | Unknown = UNKNOWN
    mpi_types: tuple[str, ...] | Unknown = UNKNOWN
    """What `srun --mpi=list` prints."""
    mpi_default: Line | Unknown = UNKNOWN
    pmix: Pmix | None = None
    required: RequiredOptions = RequiredOptions()
    accounting: bool | Unknown = UNKNOWN
    """Whether there is a slurmdbd."""


class Gpu(Value):
    """One kind of GPU in a node."""

    model: Line
    count: int | Unknown = UNKNOWN
    vendor: Literal["nvidia", "amd", "intel"] | Unknown = UNKNOWN
    compute: Line | Unknown = UNKNOWN


class NodeOs(Value):
    """The operating system of a node."""

    id: Line | Unknown = UNKNOWN
    version: Line | Unknown = UNKNOWN
    glibc: Line | Unknown = UNKNOWN
    kernel: Line | Unknown = UNKNOWN
    user_namespaces_max: int | Unknown = UNKNOWN


class FabricExpectation(Value):
    """What the fabric gives when it is used right."""

    latency_us_max: float | None = None
    bandwidth_mb_s_min: float | None = None


class Fabric(Value):
    """The network between nodes and its user space."""

    kind: Literal["ethernet", "infiniband", "omni-path", "slingshot", "efa"] | Unknown = UNKNOWN
    providers: tuple[str, ...] | Unknown = UNKNOWN
    devices: tuple[str, ...] | Unknown = UNKNOWN
    expect: FabricExpectation = FabricExpectation()


class Emulation(Value):
    """One registered handler for foreign programs (binfmt_misc)."""

    arch: Line
    emulator: Line
    version: Line | Unknown = UNKNOWN
    flags: str = ""


class NodeClass(Value):
    """Nodes that are alike."""

    features: tuple[str, ...] | Unknown = UNKNOWN
    """What Slurm calls them, for `submit.constraint`."""
    arch: Line | Unknown = UNKNOWN
    """As `uname -m` says: x86_64, aarch64, ppc64le, riscv64."""
    microarch: Line | Unknown = UNKNOWN
    sockets: int | Unknown = Field(default=UNKNOWN)
    cores: int | Unknown = UNKNOWN
    """Cores of the node, not of a socket."""
    threads_per_core: int | Unknown = UNKNOWN
    memory_mib: int | Unknown = UNKNOWN
    gpus: tuple[Gpu, ...] | Unknown = UNKNOWN
    gpu_driver: Line | None = None
    os: NodeOs = NodeOs()
    fabric: Fabric = Fabric()
    emulation: tuple[Emulation, ...] | Unknown = UNKNOWN
    node_local: Line | None = None


class Partition(Value):
    """A Slurm partition."""

    node_classes: tuple[str, ...] = Field(min_length=1)
    nodes: int | Unknown = UNKNOWN
    walltime_max_s: int | Unknown | None = UNKNOWN
    """None is no limit."""
    default: bool = False


class RuntimeFacts(Value):
    """The container runtime of the site."""

    kind: Literal["apptainer", "singularity"] = "apptainer"
    version: Line | Unknown = UNKNOWN
    command: Line = "apptainer"
    mode: Literal["userns", "setuid"] | Unknown = UNKNOWN
    user_bind: bool | Unknown = UNKNOWN
    available_on: tuple[str, ...] | Unknown = UNKNOWN


class MpiStack(Value):
    """One MPI installation of the site."""

    family: Literal["openmpi", "mpich", "mpi-abi"] | Unknown
    version: Line | Unknown = UNKNOWN
    prefix: Path
    pmi: tuple[str, ...] | Unknown = UNKNOWN
    launchers: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    passport: Line | None = None
    """File of what was read about the stack; absolute once loaded, found beside its profile."""


class ImagePolicy(Value):
    """May images be built at the site, and how; else where."""

    build: dict[str, object] = Field(default_factory=dict)
    instead: str | None = None
    cache: Line | None = None


class Filesystems(Value):
    """What login and compute nodes share."""

    shared: tuple[Path, ...] | Unknown = UNKNOWN
    scratch: Path | None = None


class Site(Value):
    """One cluster as its profile describes it."""

    version: Literal[1]
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    description: str = ""
    as_of: date | None = None
    extends: Line | None = None
    which: Which = Which()
    access: Access = Access()
    scheduler: SchedulerFacts = SchedulerFacts()
    node_classes: dict[str, NodeClass] = Field(default_factory=dict)
    partitions: dict[str, Partition] = Field(default_factory=dict)
    runtime: RuntimeFacts = RuntimeFacts()
    mpi_stacks: dict[str, MpiStack] = Field(default_factory=dict)
    recipes: tuple[dict[str, object], ...] = ()
    images: ImagePolicy = ImagePolicy()
    filesystems: Filesystems = Filesystems()
    internet: dict[str, bool | Unknown] = Field(default_factory=dict)
    policy: dict[str, object] = Field(default_factory=dict)
    prices: dict[str, object] = Field(default_factory=dict)
    life: dict[str, object] = Field(default_factory=dict)
    sources: dict[str, Source] = Field(default_factory=dict)
    """Where values came from, by dotted path; a value without entry is the profile's own word."""
    unknowns: tuple[str, ...] = ()
    """Dotted paths of what the profile calls `unknown`, also where a field has no such value."""
    file: Path
    """The profile that this was loaded from."""

    @property
    def default_partition(self) -> str | None:
        """The partition that Slurm uses when none is named."""
        return next((name for name, part in self.partitions.items() if part.default), None)
