"""The passport: what was read about an image or a host MPI stack; does not read files."""

import hashlib
import json
from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from hpcrun.model.api_names import ApiNames
from hpcrun.model.base import UNKNOWN, Unknown, Value
from hpcrun.model.command import CommandFacts
from hpcrun.model.container import ContainerFacts, ImageKind
from hpcrun.model.fabric import FabricLibrary, FabricUse
from hpcrun.model.gpu import GpuFacts
from hpcrun.model.mpi import ClosureFile, MpiCompanion, MpiVendor, Starter
from hpcrun.model.mpi_user import Family as Family  # noqa: PLC0414 - part of this module
from hpcrun.model.mpi_user import MpiUser as MpiUser  # noqa: PLC0414
from hpcrun.model.system import SystemFacts


class PmiAbility(Value):
    """One way in which an MPI library can find its other ranks when a launcher starts it."""

    kind: Literal["pmi1", "pmi2", "pmix"]
    version: str | Unknown = UNKNOWN
    """Version of the client, where it says anything (PMIx)."""
    evidence: str
    """What was seen, with its path in the image or stack."""
    psec: tuple[str, ...] | Unknown = UNKNOWN
    """Security components of the PMIx client (`native`, `munge`, …)."""
    gds: tuple[str, ...] | Unknown = UNKNOWN
    """Data-store components of the PMIx client (`hash`, `shmem2`, …)."""


class MpiLibrary(Value):
    """One MPI library found."""

    family: Family | Unknown
    version: str | Unknown = UNKNOWN
    version_evidence: str = ""
    path: str
    """Real path of the library file (inside the image, or on the host)."""
    soname: str
    file_name: str
    arch: str | Unknown
    """As `uname -m` says."""
    pmi: tuple[PmiAbility, ...] | Unknown = UNKNOWN
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    glibc_needed: str | None = None
    """Highest GLIBC_x.y that it and its closure inside the prefix need."""
    implementation: str | Unknown = UNKNOWN
    """Row of the implementation in mpi_families.yaml: `open-mpi`, `intel-mpi`, …"""
    vendor: MpiVendor | None = None
    device: str | None = None
    """MPICH's device: `ch4:ofi`, `ch3:nemesis`, …"""
    components: tuple[str, ...] = ()
    """Open MPI's components of the frameworks that decide where it runs: `pml/ucx`, …"""
    linking: Literal["shared", "static"] = "shared"
    aliases: tuple[str, ...] = ()
    """Other names under which programs find it: links beside it and in the loader's folders."""
    companions: tuple[MpiCompanion, ...] = ()
    has_large_count: bool | Unknown = UNKNOWN
    """Whether it has the functions of MPI 4 with large counts (`MPI_Send_c`, …)."""
    has_abi_query: bool | Unknown = UNKNOWN
    """Whether it has `MPI_Abi_get_version` of MPI 5."""
    gpu: tuple[str, ...] = ()
    """Kinds of GPU memory that it has code for, or a way to ask about: `cuda`, `rocm`, `ze`."""
    fabrics: tuple[FabricUse, ...] = ()
    exports: ApiNames | None = None
    """Symbols of the MPI interface that it defines, with its own parts (host stacks)."""


class LibC(Value):
    """The C library."""

    kind: Literal["glibc", "musl"] | Unknown = UNKNOWN
    version: str | Unknown = UNKNOWN
    """Highest version that its symbol definitions offer."""
    evidence: str = ""


class Program(Value):
    """The program that a command names, as far as it could be resolved without running anything."""

    argv0: str
    path: str | None
    """Real path inside the image; None where it was not found."""
    arch: str | Unknown = UNKNOWN
    kind: Literal["elf", "script", "unknown", "missing"] = "unknown"
    interpreter: str | None = None
    """Of a script: the program of its shebang."""
    host_path: Path | None = None
    """Where it lies on the host, if a mount brings it into the container; `path` is then its path
    there and not in the image."""


class ImageFacts(Value):
    """What was read about one image, without running it."""

    version: Literal[1] = 1
    path: Path
    kind: ImageKind
    size_bytes: int
    mtime_ns: int
    digest: str
    """`sha256:…` of the whole file where asked for, else of what tells images apart at little cost:
    `sif:…`, `squashfs:…` of headers, tables and samples, `oci:…` of the manifest, `folder:…`."""
    declared_arch: str | Unknown = UNKNOWN
    """What the image says of itself, as `uname -m` names it."""
    program_archs: dict[str, int] = Field(default_factory=dict)
    """ELF files really inside, counted by processor architecture."""
    container: ContainerFacts = ContainerFacts.model_construct()
    libc: LibC = LibC.model_construct()
    system: SystemFacts = SystemFacts.model_construct()
    """Processor levels, distribution and further libraries that the programs stand on."""
    mpi: tuple[MpiLibrary, ...] = ()
    mpi_users: tuple[MpiUser, ...] = ()
    sonames: tuple[str, ...] = ()
    """Libraries in the folders that the image's loader searches by itself."""
    program: Program | None = None
    """The job's program, when a command was given."""
    command: CommandFacts | None = None
    """What that program comes to run and load; None where nothing could be followed."""
    fabrics: tuple[FabricLibrary, ...] = ()
    """Network libraries: libfabric, UCX, verbs, …"""
    starters: tuple[Starter, ...] = ()
    """Programs in the image that start ranks or help to."""
    gpu: GpuFacts = GpuFacts.model_construct()
    is_complete: bool = True
    """False where parts could not be read; absence then proves nothing."""
    unread: tuple[str, ...] = ()
    """What could not be read, and why."""

    @property
    def arch(self) -> str:
        """The processor architecture that counts: of the programs inside, else the declared one."""
        if self.program_archs:
            return max(self.program_archs, key=lambda arch: (self.program_archs[arch], arch))
        return self.declared_arch


class StackFacts(Value):
    """What was read about one MPI installation of a site."""

    version: Literal[1] = 1
    prefix: Path
    libraries: tuple[MpiLibrary, ...] = ()
    launchers: tuple[str, ...] = ()
    """Programs in its bin folder that start ranks."""
    closure_missing: tuple[str, ...] = ()
    """Needed libraries (sonames) that the host lacks; the C library's own do not count."""
    closure_outside: tuple[str, ...] = ()
    """Needed host libraries outside the prefix, by the path under which they are found."""
    closure: tuple[ClosureFile, ...] = ()
    """Everything that the MPI libraries come to need, but for the C library's own files."""
    starters: tuple[Starter, ...] = ()
    """Programs that start ranks or help to, with their versions."""
    fabrics: tuple[FabricLibrary, ...] = ()
    """Network libraries in the prefix and the closure."""
    libstdcxx_needed: str | None = None
    """Highest GLIBCXX_x.y.z that MPI libraries and closure need."""
    digest: str | None = None
    """`sha256:…` of these facts without this line; None where nobody took it."""
    is_complete: bool = True
    """False where parts could not be read; absence then proves nothing."""
    unread: tuple[str, ...] = ()
    """What could not be read, and why."""

    def sealed(self) -> Self:
        """Return these facts with their digest."""
        return self.model_copy(update={"digest": self.own_digest})

    @property
    def own_digest(self) -> str:
        """The digest of what is told: of all that differs from the defaults, but itself."""
        told = self.model_dump(mode="json", exclude={"digest"}, exclude_defaults=True)
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
