"""A site profile as values (formats.md, version 1); does not read files.

Every leaf may be `unknown`, which is reported and never taken for no; where values came from stands
in `Site.sources`, by dotted path.
"""

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field

from hpcrun.model.base import UNKNOWN, Line, Unknown, Value
from hpcrun.model.nodes import NodeClass, Partition, Qos


class Source(Value):
    """Where one value of a profile came from."""

    source: str | None = None
    """In words: names of `references` are written out."""
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
    is_elsewhere: bool = False
    """Whether commands would have to run right here, but this is not the site."""

    @property
    def is_local(self) -> bool:
        """Whether commands run right here."""
        is_direct = self.prefix is None and self.ssh is None
        return self.is_stated and is_direct and not self.is_elsewhere


class Pmix(Value):
    """The PMIx server inside Slurm's plugin."""

    server: Line | Unknown = UNKNOWN
    psec: tuple[str, ...] | Unknown = UNKNOWN
    gds: tuple[str, ...] | Unknown = UNKNOWN


class RequiredOptions(Value):
    """What sbatch insists on at this site."""

    account: bool | Unknown = False
    partition: bool | Unknown = False
    qos: bool | Unknown = False
    options: dict[str, str] = Field(default_factory=dict)


class SchedulerFacts(Value):
    """The scheduler of the site."""

    kind: Literal["slurm", "pbs", "none"] | Unknown = "slurm"
    version: Line | Unknown = UNKNOWN
    daemon: Literal["slurmd", "psid"] | Unknown = UNKNOWN
    """What starts tasks on the nodes."""
    mpi_types: tuple[str, ...] | Unknown = UNKNOWN
    """What `srun --mpi=list` prints."""
    mpi_default: Line | Unknown = UNKNOWN
    pmix: Pmix | None = Pmix()
    """None where Slurm has none."""
    required: RequiredOptions = RequiredOptions.model_construct()
    accounting: bool | Unknown = UNKNOWN
    """Whether there is a slurmdbd."""


class RuntimeFacts(Value):
    """The container runtime of the site."""

    kind: Literal[
        "apptainer",
        "singularity",
        "singularity-ce",
        "singularity-pro",
        "podman-hpc",
        "container-engine",
        "docker",
        "none",
        "unknown",
    ] = "apptainer"
    """`singularity` is one whose make is not known."""
    version: Line | Unknown = UNKNOWN
    command: Line = "apptainer"
    mode: Literal["userns", "setuid"] | Unknown = UNKNOWN
    user_bind: bool | Unknown = UNKNOWN
    default_binds: tuple[str, ...] | Unknown = UNKNOWN
    """What it mounts by itself."""
    image_kinds: tuple[Literal["sif", "squashfs", "folder"], ...] | Unknown = UNKNOWN
    """Images that it starts (`allow container …`)."""
    image_folders: tuple[Path, ...] | Unknown = UNKNOWN
    """Where images must lie (`limit container paths`); empty where anywhere."""
    signed_images: bool | Unknown = UNKNOWN
    """Whether only signed images are started (ecl.toml)."""
    makes_targets: bool | Unknown = UNKNOWN
    """Whether a mount may be at a path that the image lacks (overlay or underlay)."""
    fakeroot: bool | Unknown = UNKNOWN
    modules: tuple[Line, ...] = ()
    """Environment modules that must be loaded for it."""
    group: Line | None = None
    """Unix group without which nobody may use it."""
    request: Line | None = None
    """How people get the right to use it."""
    available_on: tuple[str, ...] | Unknown = UNKNOWN
    others: tuple[str, ...] | Unknown = UNKNOWN

    @property
    def is_supported(self) -> bool:
        """Whether hpcrun can start ranks with it: Apptainer, or Singularity of any make."""
        return self.kind.startswith(("apptainer", "singularity"))


class Launcher(Value):
    """A program of the site that starts ranks."""

    command: Line | None = None
    works: bool | Unknown = UNKNOWN
    options: tuple[Line, ...] = ()
    note: Line | None = None


class MpiStack(Value):
    """One MPI installation of the site."""

    family: Literal["openmpi", "mpich", "mpi-abi"] | Unknown
    implementation: Line | Unknown = UNKNOWN
    version: Line | Unknown = UNKNOWN
    api: Line | Unknown = UNKNOWN
    """Version of its family whose functions it has: Cray MPICH 8.1 has those of MPICH 3.4."""
    prefix: Path | None = None
    """Where it lies; None where nobody knows, and then it cannot be bound."""
    library: Line | None = None
    """Folder below the prefix with the library; None is its `lib`."""
    pmi: tuple[str, ...] | Unknown = UNKNOWN
    launchers: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    image_glibc_min: Line | Unknown = UNKNOWN
    """What an image must have at least to load it."""
    passport: Line | None = None
    """File of what was read about the stack; absolute once loaded, found beside its profile."""


class Recipe(Value):
    """One of the site's own ways to run MPI in images."""

    kind: Literal["bind", "hybrid", "host-mpirun", "site-module", "engine-hook"]
    name: Line | None = None
    node_classes: tuple[str, ...] = ()
    """Where it is for; everywhere where none is named."""
    image: Line | None = None
    """What the image must hold."""
    stack: Line | None = None
    launcher: Line | None = None
    mpi_type: Line | None = None
    """Of `srun --mpi`; None is the site's default."""
    modules: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    container_env: dict[str, str] = Field(default_factory=dict)
    binds: tuple[Line, ...] = ()
    binds_if_there: tuple[Line, ...] = ()
    """A missing source of a mount stops the container."""
    libraries: tuple[Path, ...] = ()
    """Libraries of the host that the runtime mounts."""
    preload: tuple[Line, ...] = ()
    options: tuple[Line, ...] = ()
    note: Line | None = None


class BuildPolicy(Value):
    """Whether, where and how images may be built."""

    allowed: bool | Unknown = UNKNOWN
    on: tuple[str, ...] | Unknown = UNKNOWN
    means: tuple[str, ...] | Unknown = UNKNOWN


class PullPolicy(Value):
    """Whether, where and from which registries images may be fetched."""

    allowed: bool | Unknown = UNKNOWN
    on: tuple[str, ...] | Unknown = UNKNOWN
    registries: tuple[str, ...] | Unknown = UNKNOWN
    mirror: Line | None = None


class ImagePolicy(Value):
    """May images be built at the site, and how; else where."""

    build: BuildPolicy = BuildPolicy.model_construct()
    pull: PullPolicy = PullPolicy.model_construct()
    instead: str | None = None
    cache: Line | None = None
    unpacked: bool | Unknown = UNKNOWN
    """Whether the file systems take unpacked images."""


class Filesystems(Value):
    """What login and compute nodes share."""

    shared: tuple[Path, ...] | Unknown = UNKNOWN
    scratch: Path | None = None
    login_only: tuple[Path, ...] = ()
    links: dict[str, str] = Field(default_factory=dict)
    variables: dict[str, str] = Field(default_factory=dict)


class Internet(Value):
    """Who reaches the internet."""

    login: bool | Unknown = UNKNOWN
    compute: bool | Unknown = UNKNOWN
    proxies: dict[str, str] = Field(default_factory=dict)


class Policy(Value):
    """What the site wants of its users."""

    automation: Line | None = None
    jobs_max: int | Unknown = UNKNOWN
    login_cpu: Line | None = None
    accounts: Line | None = None


class Prices(Value):
    """What the site costs."""

    currency: Line | None = None
    per_core_hour: float | None = None
    per_node_hour: float | None = None
    as_of: date | None = None


class Life(Value):
    """When the site is there."""

    begins: date | None = None
    ends: date | None = None
    note: Line | None = None


class Site(Value):
    """One cluster as its profile describes it."""

    version: Literal[1]
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    description: str = ""
    as_of: date | None = None
    extends: Line | None = None
    references: dict[str, str] = Field(default_factory=dict)
    """Sources by a short name."""
    which: Which = Which.model_construct()
    access: Access = Access.model_construct()
    scheduler: SchedulerFacts = SchedulerFacts.model_construct()
    node_classes: dict[str, NodeClass] = Field(default_factory=dict)
    partitions: dict[str, Partition] = Field(default_factory=dict)
    qos: dict[str, Qos] = Field(default_factory=dict)
    runtime: RuntimeFacts = RuntimeFacts.model_construct()
    launchers: dict[str, Launcher] = Field(default_factory=dict)
    mpi_stacks: dict[str, MpiStack] = Field(default_factory=dict)
    recipes: tuple[Recipe, ...] = ()
    images: ImagePolicy = ImagePolicy.model_construct()
    filesystems: Filesystems = Filesystems.model_construct()
    internet: Internet = Internet.model_construct()
    policy: Policy = Policy.model_construct()
    prices: Prices = Prices.model_construct()
    life: Life = Life.model_construct()
    notes: tuple[str, ...] = ()
    """What else to know, for people."""
    sources: dict[str, Source] = Field(default_factory=dict)
    """Where values came from, by dotted path; a value without entry is the profile's own word."""
    unknowns: tuple[str, ...] = ()
    """Dotted paths of what the profile calls `unknown`, also where a field has no such value."""
    file: Path
    """The profile that this was loaded from."""

    @property
    def named_mpi_types(self) -> tuple[str, ...]:
        """Types of `srun --mpi` that the profile says are used: the default, and in recipes."""
        default = self.scheduler.mpi_default
        named = (default, *(recipe.mpi_type for recipe in self.recipes))
        return tuple(dict.fromkeys(kind for kind in named if kind and kind != UNKNOWN))

    @property
    def default_partition(self) -> str | None:
        """The partition that Slurm uses when none is named."""
        return next((name for name, part in self.partitions.items() if part.default), None)
