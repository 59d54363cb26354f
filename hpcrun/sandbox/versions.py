"""The table of sandbox versions: Slurm and what its nodes are made of; makes nothing."""

from functools import cache
from typing import Literal, Self

from pydantic import Field, model_validator

from hpcrun import resources
from hpcrun.errors import UsageError
from hpcrun.model.site import Site
from hpcrun.tables.rows import Document, Row, load_table


class Tools(Row):
    """What runs on the nodes of every version, on the C library that it brings along."""

    suite: str
    glibc: str = Field(pattern=r"^\d+\.\d+$")
    python: str = Field(pattern=r"^\d+\.\d+$")
    """The Python for which hpcrun's dependencies are fetched."""
    packages: tuple[str, ...]
    from_sid: tuple[str, ...]


class SandboxVersion(Row):
    """One Slurm version that a sandbox can have."""

    slurm: str = Field(pattern=r"^\d+\.\d+$")
    suite: str
    """Debian suite of the nodes."""
    glibc: str = Field(pattern=r"^\d+\.\d+$")
    merges_usr: bool = False
    """Whether /bin, /lib and the like must be made links into /usr, which later suites do alone."""
    packages: tuple[str, ...] = Field(min_length=1)
    accounting_packages: tuple[str, ...] = Field(min_length=1)
    """What a sandbox with accounting has besides: slurmdbd and its database."""
    apt_options: tuple[str, ...] = ()
    auth: Literal["slurm", "munge"]
    """By what Slurm's daemons know each other: a key file of Slurm's own, or munge."""
    slurm_conf: tuple[str, ...] = ()
    cgroup_conf: tuple[str, ...] = ()
    cgroup_v1_conf: tuple[str, ...] = ()
    """In the place of the former where Slurm is to use control groups of version 1."""
    cgroup_v2_conf: tuple[str, ...] = ()
    """The same for version 2; nothing where this Slurm does not know it."""
    mpi_types: tuple[str, ...]
    site_profile: str
    """The shipped profile that says what all sandboxes of this version have in common."""


class _Document(Document):
    default: str
    tools: Tools
    versions: tuple[SandboxVersion, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [row.slurm for row in self.versions]
        if len(set(names)) != len(names):
            raise ValueError("a Slurm version stands in two rows")
        if self.default not in names:
            raise ValueError(f"the default version {self.default} has no row")
        return self


@cache
def _document() -> _Document:
    return load_table("versions", _Document, folder=resources.package_folder("sandbox"))


def default_version() -> SandboxVersion:
    """Return the version that a sandbox gets when none is asked for."""
    return find_version(_document().default)


def known_versions() -> tuple[SandboxVersion, ...]:
    """Return every version that a sandbox can have, the oldest first."""
    return _document().versions


def tools() -> Tools:
    """Return what runs on the nodes of every version."""
    return _document().tools


def oldest_glibc() -> str:
    """Return the oldest C library of any version's nodes, on which the stacks must run."""
    numbers = (row.glibc for row in _document().versions)
    return min(numbers, key=lambda number: tuple(map(int, number.split("."))))


def find_version(slurm: str) -> SandboxVersion:
    """Find a version by the Slurm it has, or say which there are."""
    for row in _document().versions:
        if row.slurm == slurm:
            return row
    known = ", ".join(row.slurm for row in _document().versions)
    raise UsageError(f"no sandbox has Slurm {slurm}", help=[f"there are: {known}"])


def find_like(site: Site) -> SandboxVersion | None:
    """Find the version that a site has, if a sandbox can have it."""
    told = f"{site.scheduler.version}."
    return next((row for row in known_versions() if told.startswith(f"{row.slurm}.")), None)


def check_mpi_default(version: SandboxVersion, kind: str | None) -> None:
    """Refuse a type of `srun --mpi` that this Slurm does not have."""
    if kind is None or kind in version.mpi_types:
        return
    raise UsageError(
        f"Slurm {version.slurm} of a sandbox has no `--mpi={kind}` to be its default",
        help=[f"--mpi-default takes {', '.join(sorted(version.mpi_types))}"],
    )
