"""The table of sandbox versions: Slurm and what its nodes are made of; makes nothing."""

from functools import cache
from typing import Literal, Self

from pydantic import Field, model_validator

from hpcrun import resources
from hpcrun.errors import UsageError
from hpcrun.tables.rows import Document, Row, load_table


class SandboxVersion(Row):
    """One Slurm version that a sandbox can have."""

    slurm: str = Field(pattern=r"^\d+\.\d+$")
    suite: str
    """Debian suite of the nodes."""
    glibc: str = Field(pattern=r"^\d+\.\d+$")
    python: str = Field(pattern=r"^\d+\.\d+$")
    """Python of the nodes, for which hpcrun's dependencies are fetched."""
    packages: tuple[str, ...] = Field(min_length=1)
    from_sid: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    auth: Literal["slurm"]
    mpi_types: tuple[str, ...]
    site_profile: str
    """The shipped profile that says what all sandboxes of this version have in common."""


class _Document(Document):
    default: str
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


def find_version(slurm: str) -> SandboxVersion:
    """Find a version by the Slurm it has, or say which there are."""
    for row in _document().versions:
        if row.slurm == slurm:
            return row
    known = ", ".join(row.slurm for row in _document().versions)
    raise UsageError(f"no sandbox has Slurm {slurm}", help=[f"there are: {known}"])
