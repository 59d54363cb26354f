"""The part of a passport's page about MPI libraries and what uses them; does not print."""

from collections.abc import Iterable

from hpcrun.model.base import UNKNOWN, is_known
from hpcrun.model.image import Family, ImageFacts, MpiLibrary, MpiUser, PmiAbility
from hpcrun.model.mpi import MpiCompanion
from hpcrun.report.page import Section, section
from hpcrun.tables.mpi_families import mpi_families

FAMILIES = {Family.OPENMPI: "Open MPI", Family.MPICH: "MPICH family", Family.MPI_ABI: "MPI ABI"}

_EXAMPLES = 3
_LANGUAGES = {
    "fortran": "Fortran",
    "fortran-2008": "Fortran 2008",
    "c++": "C++",
    "java": "Java",
}


def mpi_sections(facts: ImageFacts) -> list[Section]:
    """Say which MPI libraries the image has and what uses them."""
    title = "programs and modules that use MPI"
    return [libraries_section(facts.mpi), section(title, _users(facts.mpi_users))]


def libraries_section(libraries: Iterable[MpiLibrary]) -> Section:
    """Describe the MPI libraries of an image or a stack."""
    return section("MPI libraries", [line for lib in libraries for line in _library(lib)])


def name_library(library: MpiLibrary) -> str:
    """Name an MPI library by implementation and version."""
    family = FAMILIES[library.family] if is_known(library.family) else "MPI of unknown family"
    name = mpi_families().implementation_name(library.implementation) or family
    version = library.version if is_known(library.version) else "of unknown version"
    abi = f"{family} of " if library.family == Family.MPI_ABI and name != family else ""
    return f"{abi}{name} {version}"


def _library(library: MpiLibrary) -> list[str]:
    glibc = f", needs glibc {library.glibc_needed}" if library.glibc_needed else ""
    return [
        f"{name_library(library)}: {library.path}",
        f"  soname {library.soname}, {library.arch}{glibc}{_more(library)}",
        *_network(library),
        *(f"  speaks {_ability(ability)}" for ability in _abilities(library)),
        *([] if is_known(library.pmi) else ["  speaks an unknown PMI: no trace of any was found"]),
    ]


def _more(library: MpiLibrary) -> str:
    """Name what else programs may find: other names, languages, the device."""
    languages = dict.fromkeys(_language(companion) for companion in library.companions)
    said = [
        f"device {library.device}" if library.device else "",
        f"also {', '.join(library.aliases)}" if library.aliases else "",
        f"with {', '.join(languages)}" if languages else "",
        "large counts" if library.has_large_count is True else "",
        f"GPU memory of {', '.join(library.gpu)}" if library.gpu else "",
    ]
    return "".join(f"; {text}" for text in said if text)


def _language(companion: MpiCompanion) -> str:
    name = _LANGUAGES[companion.language]
    return f"{name} ({companion.compiler})" if is_known(companion.compiler) else name


def _network(library: MpiLibrary) -> list[str]:
    uses = [f"{use.kind} ({use.how}{'' if use.path else ', not found'})" for use in library.fabrics]
    return [f"  network {', '.join(uses)}"] if uses else []


def _abilities(library: MpiLibrary) -> tuple[PmiAbility, ...]:
    return library.pmi if is_known(library.pmi) else ()


def _ability(ability: PmiAbility) -> str:
    version = f" {ability.version}" if ability.version != UNKNOWN else ""
    parts = [
        f"{kind} {' '.join(names)}"
        for kind, names in (("psec", ability.psec), ("gds", ability.gds))
        if is_known(names)
    ]
    inside = f" ({'; '.join(parts)})" if parts else ""
    return f"{ability.kind}{version}{inside}: {ability.evidence}"


def _users(users: Iterable[MpiUser]) -> list[str]:
    """Gather users by what they need, a few of each."""
    paths: dict[str, list[str]] = {}
    for user in users:
        names = " or ".join(FAMILIES[family] for family in user.families)
        needed = f"{names}, chosen at run time" if names else user.needed
        if needed == "static":
            needed = "linked in statically"
        paths.setdefault(needed, []).append(user.path)
    return [f"{needed}: {_few(found)}" for needed, found in paths.items()]


def _few(paths: list[str]) -> str:
    more = len(paths) - _EXAMPLES
    return ", ".join(paths[:_EXAMPLES]) + (f" and {more} further" if more > 0 else "")
