"""What was read about network libraries and who uses them; does not read files."""

from typing import Literal

from hpcrun.model.base import UNKNOWN, Unknown
from hpcrun.model.seen import Seen


class FabricLibrary(Seen):
    """One network library."""

    kind: str
    """Row in fabrics.yaml: `libfabric`, `ucx`, `verbs`, `psm2`, …"""
    path: str
    soname: str
    arch: str | Unknown = UNKNOWN
    version: str | Unknown = UNKNOWN
    interface: str | None = None
    """Highest version of its public symbols: `FABRIC_1.7`, `IBVERBS_1.14`."""
    private: str | None = None
    """Version of the symbols between it and its providers: `IBVERBS_PRIVATE_34`."""
    built_in: tuple[str, ...] = ()
    """Providers or transports inside the library, as far as its constants tell."""
    parts: tuple[str, ...] = ()
    """Providers or transports that lie beside it as files."""
    foreign_parts: tuple[str, ...] = ()
    """Files beside it that need other symbols of it than `private`, with what they need."""


class FabricUse(Seen):
    """A network library that an MPI library uses."""

    kind: str
    """Row in fabrics.yaml."""
    how: Literal["linked", "component", "loaded"]
    """In its needed entries; needed by a component that it opens; opened by name at run time."""
    path: str | None = None
    """The file that it gets inside the tree; None where there is none."""
    interface_needed: str | None = None
    """Highest version of the library's symbols that is required: `FABRIC_1.7`."""
