"""How verdicts name what was found and where; does not judge it."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

from hpcrun.model.image import Family, ImageFacts, MpiLibrary, MpiUser
from hpcrun.model.nodes import NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Answer, Force, Ground, Reason, Verdict
from hpcrun.tables.mpi_families import mpi_families


def fits(table_row: str, *evidence: str) -> Verdict:
    """Return the verdict that it works: which row decided, and what was compared."""
    return Verdict(Answer.COMPATIBLE, grounds=(Ground(table_row, evidence),))


def compatible(*reasons: Reason, table_row: str, evidence: tuple[str, ...]) -> Verdict:
    """Return the verdict that it works, with what is worth knowing beside it."""
    return Verdict(Answer.COMPATIBLE, reasons, (Ground(table_row, evidence),))


def incompatible(reason: Reason, *, force: Force = Force.REFUSES) -> Verdict:
    """Return the verdict that it cannot work, for one reason."""
    return Verdict(Answer.INCOMPATIBLE, (reason,), force=force)


def unknown(reason: Reason, *, force: Force = Force.REFUSES) -> Verdict:
    """Return the verdict that nobody can tell, for one reason."""
    return Verdict(Answer.UNKNOWN, (reason,), force=force)


def asked(question: str) -> str:
    """Name the row of a question, for verdicts that no row of a table of facts decides."""
    return f"questions.yaml row `{question}`"


def in_image(facts: ImageFacts, path: str) -> str:
    """Name a place inside an image, or the host's file that is mounted there."""
    if facts.program is not None and facts.program.path == path and facts.program.host_path:
        return str(facts.program.host_path)
    return f"{facts.path.name}:{path}"


def in_profile(site: Site, key: str) -> str:
    """Name a value of the profile, with the source that the profile gives for it."""
    source = site.sources.get(key)
    if source is not None and source.source:
        return f"`{key}` of profile `{site.name}`, from {source.source}"
    return f"`{key}` of profile `{site.name}`"


def alike(
    classes: Mapping[str, NodeClass], fact: Callable[[NodeClass], Hashable]
) -> Iterator[tuple[tuple[str, ...], NodeClass]]:
    """Yield the node classes that do not differ in a fact, by their names, with the first of them.

    So that what is wrong with all of them is said once.
    """
    groups: dict[Hashable, list[str]] = {}
    for name, node in classes.items():
        groups.setdefault(fact(node), []).append(name)
    for names in groups.values():
        yield tuple(names), classes[names[0]]


def in_classes(site: Site, names: Sequence[str], key: str) -> str:
    """Name a value of node classes that are alike in it."""
    first = in_profile(site, f"node_classes.{names[0]}.{key}")
    return f"{first}, as of {listed(names[1:])}" if len(names) > 1 else first


def unread(facts: ImageFacts) -> tuple[str, ...]:
    """Say what of an image could not be read."""
    return facts.unread[:3] or (f"parts of {facts.path.name} could not be read",)


def library_found(facts: ImageFacts, library: MpiLibrary) -> str:
    """Say which MPI library an image holds, and where."""
    return (
        f"`{library.soname}`, {library_name(library)} {library.version}, "
        f"at {in_image(facts, library.path)}"
    )


def user_found(facts: ImageFacts, user: MpiUser) -> str:
    """Say what an MPI user in an image needs."""
    if user.needed == RUN_TIME:
        return f"{in_image(facts, user.path)} looks for an MPI library at run time"
    if user.needed == STATIC:
        return f"{in_image(facts, user.path)} has its MPI linked in statically"
    return f"{in_image(facts, user.path)} needs `{user.needed}`"


def library_name(library: MpiLibrary) -> str:
    """Name an MPI library by its implementation, or by its family where that is not known."""
    if library.family == Family.MPI_ABI:
        return family_name(library.family)
    return mpi_families().implementation_name(library.implementation) or family_name(library.family)


def family_name(family: str) -> str:
    """Name an ABI family as people do."""
    names = {Family.OPENMPI: "Open MPI", Family.MPICH: "MPICH", Family.MPI_ABI: "standard MPI ABI"}
    return next((name for known, name in names.items() if known == family), "unknown MPI")


def listed(words: Iterable[str]) -> str:
    """Join identifiers for a sentence."""
    return ", ".join(f"`{word}`" for word in words) or "none"


RUN_TIME = "run time"
"""What stands in `MpiUser.needed` where the library is chosen late."""
STATIC = "static"
"""What stands in `MpiUser.needed` where the program holds its MPI itself."""
