"""The part of a passport's page about network libraries and starters; does not print."""

from collections.abc import Iterable

from hpcrun.model.base import is_known
from hpcrun.model.fabric import FabricLibrary
from hpcrun.model.mpi import Starter
from hpcrun.report.page import Section, section


def network_section(libraries: Iterable[FabricLibrary]) -> Section:
    """Describe the network libraries, one line each."""
    return section("network libraries", map(_library, libraries))


def starters_section(starters: Iterable[Starter]) -> Section:
    """Name the programs that start ranks, one line for each kind and version."""
    groups: dict[str, list[str]] = {}
    for starter in starters:
        version = f" {starter.version}" if is_known(starter.version) else ""
        groups.setdefault(f"{starter.kind}{version}", []).append(starter.name)
    lines = (f"{kind}: {', '.join(dict.fromkeys(names))}" for kind, names in groups.items())
    return section("starts ranks", lines)


def _library(library: FabricLibrary) -> str:
    version = f" {library.version}" if is_known(library.version) else ""
    interfaces = ", ".join(name for name in (library.interface, library.private) if name)
    offers = f" ({interfaces})" if interfaces else ""
    built_in = f"; has {' '.join(library.built_in)}" if library.built_in else ""
    parts = f"; beside it {' '.join(library.parts)}" if library.parts else ""
    return f"{library.kind}{version}{offers}: {library.path}{built_in}{parts}"
