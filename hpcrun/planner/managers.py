"""The process managers behind mpirun and mpiexec of host stacks and images; does not judge them."""

from collections.abc import Collection, Iterable

from hpcrun.compat.evidence import family_name, in_profile, library_found, library_name
from hpcrun.compat.process_manager import Manager
from hpcrun.model.base import UNKNOWN, Unknown, is_known, known
from hpcrun.model.image import Family, MpiLibrary, PmiAbility
from hpcrun.model.mpi import Starter
from hpcrun.model.site import MpiStack
from hpcrun.planner.question import Question
from hpcrun.tables.mpi_families import mpi_families
from hpcrun.tables.pmix_versions import pmix_versions
from hpcrun.tables.process_managers import ManagerRow, process_managers


def stacks_with(question: Question, launcher: str) -> tuple[str, ...]:
    """Return the host stacks that bring a launcher, by the profile or by their passports."""
    return tuple(
        name
        for name, stack in question.site.mpi_stacks.items()
        if launcher in stack.launchers
        or (name in question.stacks and launcher in question.stacks[name].launchers)
    )


def stack_manager(question: Question, name: str, launcher: str) -> Manager:
    """Return what a launcher of a host stack starts ranks with."""
    stack, facts = question.site.mpi_stacks[name], question.stacks.get(name)
    library = facts.libraries[0] if facts and facts.libraries else None
    make = library.implementation if library else UNKNOWN
    if not is_known(make):
        make = _make_of(stack)
    version = library.version if library else UNKNOWN
    if not is_known(version) and not _is_by_another_name(stack, make):
        version = stack.version
    where = in_profile(question.site, f"mpi_stacks.{name}")
    called = library_name(library) if library else _called(stack, make)
    read = _pmix_of(library.pmi) if library else UNKNOWN
    carried = _carried(make, version) if not is_known(read) else UNKNOWN
    said = [f"`{launcher}` of {where}: {called} {version}"]
    said += [f"at {facts.prefix}"] if facts else []
    said += [f"whose sources carry PMIx {carried}"] if is_known(carried) else []
    return Manager(
        launcher=launcher,
        of=f"{called} {version}" if is_known(version) else f"stack `{name}`",
        rows=_rows(make, version, facts.starters if facts else ()),
        version=version,
        pmix=read if is_known(read) else carried,
        found=", ".join(said),
    )


def image_manager(question: Question, arch: str, library: MpiLibrary, launcher: str) -> Manager:
    """Return what an image's own launcher would start ranks of its library with."""
    facts = question.images[arch]
    make, version = library.implementation, library.version
    if not is_known(make) and library.family == Family.OPENMPI:
        make = "open-mpi"
    return Manager(
        launcher=launcher,
        of="the image",
        rows=_rows(make, version, facts.starters),
        version=version,
        pmix=_pmix_of(library.pmi),
        found=f"`{launcher}` of {library_found(facts, library)}",
    )


def _rows(
    make: str | Unknown, version: str | Unknown, starters: Iterable[Starter]
) -> tuple[ManagerRow, ...]:
    """Return what it may be; programs that were read decide between several."""
    rows = process_managers().of(make, known(version))
    kinds = {starter.kind for starter in starters}
    told = tuple(row for row in rows if kinds & set(row.starters))
    return told or rows


def _make_of(stack: MpiStack) -> str | Unknown:
    """Return the implementation that a profile's word for it names."""
    words = str(stack.implementation).casefold()
    makes = [row for row in mpi_families().implementations if row.name.casefold() in words]
    if makes:
        # `Cray MPICH` holds `MPICH` too: the longest name is the one that is meant.
        return max(makes, key=lambda row: len(row.name)).id
    return "open-mpi" if stack.family == "openmpi" else UNKNOWN


def _is_by_another_name(stack: MpiStack, make: str | Unknown) -> bool:
    """Whether the profile tells the version of something else: of HPC-X, not its Open MPI."""
    name = mpi_families().implementation_name(make) or ""
    return is_known(stack.implementation) and name.casefold() not in stack.implementation.casefold()


def _called(stack: MpiStack, make: str | Unknown) -> str:
    name = known(stack.implementation) or mpi_families().implementation_name(make)
    return name or family_name(stack.family)


def _pmix_of(abilities: Collection[PmiAbility] | Unknown) -> str | Unknown:
    """Return the PMIx of a launcher: it is the one that its library is a client with."""
    for ability in abilities if is_known(abilities) else ():
        if ability.kind == "pmix" and is_known(ability.version):
            return ability.version
    return UNKNOWN


def _carried(make: str | Unknown, version: str | Unknown) -> str | Unknown:
    """Return the PMIx that a release has in its sources, and so most often uses."""
    return (pmix_versions().bundled_with(version) if make == "open-mpi" else None) or UNKNOWN
