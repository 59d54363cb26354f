"""What was read about MPI libraries beyond their names: companions, wire-up parts, starters."""

from typing import Literal

from pydantic import Field

from hpcrun.model.api_names import ApiNames
from hpcrun.model.base import UNKNOWN, Unknown, Value
from hpcrun.model.seen import Seen


class MpiCompanion(Seen):
    """A library for another language that belongs to an MPI C library."""

    language: Literal["fortran", "fortran-2008", "c++", "java"]
    path: str
    soname: str
    compiler: str | Unknown = UNKNOWN
    """Whose names of module symbols it carries: `gfortran`, `ifort`, …"""
    exports: ApiNames | None = None
    """Symbols of the MPI interface that it defines (host stacks)."""


class MpiVendor(Seen):
    """Whose build of an implementation it is, where anything tells."""

    name: str


class Starter(Seen):
    """A program that starts ranks, or its helper on each node."""

    name: str
    kind: str
    """`hydra`, `prrte`, `orte`, …: what it belongs to; `unknown` where only its name is known."""
    path: str
    version: str | Unknown = UNKNOWN


class ClosureFile(Value):
    """A library that an MPI library comes to need."""

    soname: str
    path: str | None
    """Real path; None where the host has none."""
    is_inside: bool = False
    """Whether it lies in the stack's prefix."""
    glibc_needed: str | None = None
    libstdcxx_needed: str | None = None
    """Highest GLIBCXX_x.y.z that it needs."""
    versions_needed: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Symbol versions that it needs of libraries other than the C library, by their sonames."""
    versions_defined: tuple[str, ...] = ()
    """Symbol versions that it defines."""
