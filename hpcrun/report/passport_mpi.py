"""The part of a passport's page about MPI libraries and what uses them; does not print."""

from collections.abc import Iterable

from hpcrun.model.base import UNKNOWN, is_known
from hpcrun.model.image import Family, ImageFacts, MpiLibrary, MpiUser, PmiAbility
from hpcrun.report.page import Section, section

FAMILIES = {Family.OPENMPI: "Open MPI", Family.MPICH: "MPICH family", Family.MPI_ABI: "MPI ABI"}


def mpi_sections(facts: ImageFacts) -> list[Section]:
    """Say which MPI libraries the image has and what uses them."""
    return [libraries_section(facts.mpi), section("uses MPI", map(_user, facts.mpi_users))]


def libraries_section(libraries: Iterable[MpiLibrary]) -> Section:
    """Describe the MPI libraries of an image or a stack."""
    return section("MPI libraries", [line for lib in libraries for line in _library(lib)])


def name_library(library: MpiLibrary) -> str:
    """Name an MPI library by implementation and version."""
    name = FAMILIES[library.family] if is_known(library.family) else "MPI of unknown family"
    version = library.version if is_known(library.version) else "of unknown version"
    return f"{name} {version}"


def _library(library: MpiLibrary) -> list[str]:
    glibc = f", needs glibc {library.glibc_needed}" if library.glibc_needed else ""
    return [
        f"{name_library(library)}: {library.path}",
        f"  soname {library.soname}, {library.arch}{glibc}",
        *(f"  speaks {_ability(ability)}" for ability in _abilities(library)),
        *([] if is_known(library.pmi) else ["  speaks an unknown PMI: no trace of any was found"]),
    ]


def _abilities(library: MpiLibrary) -> tuple[PmiAbility, ...]:
    return library.pmi if is_known(library.pmi) else ()


def _ability(ability: PmiAbility) -> str:
    version = f" {ability.version}" if ability.version != UNKNOWN else ""
    return f"{ability.kind}{version}: {ability.evidence}"


def _user(user: MpiUser) -> str:
    if user.families:
        names = ", ".join(FAMILIES[family] for family in user.families)
        return f"{user.path} chooses at run time: {names}"
    return f"{user.path} needs {user.needed}"
