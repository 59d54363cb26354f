"""Can an MPI library of an image use the nodes' fast network; does not judge how fast it is."""

from collections.abc import Iterable, Iterator

from hpcrun.compat.evidence import in_image, in_profile, library_found, library_name
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts, MpiLibrary
from hpcrun.model.nodes import NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Reason
from hpcrun.tables.fabrics import fabrics


def find_unreached(
    facts: ImageFacts, library: MpiLibrary, site: Site, classes: Iterable[str]
) -> Reason | None:
    """Return why ranks on different nodes would talk over TCP, where a better network is there.

    Nothing is said about Ethernet, for which TCP is right, nor about a network that the profile
    does not name.
    """
    for name in classes:
        kind = site.node_classes.get(name, NodeClass()).fabric.kind
        if not is_known(kind) or not fabrics().is_fast(kind):
            continue
        if any(fabrics().reaches(kind, used, part) for used, part in _ways(facts, library)):
            continue
        mpi = f"{library_name(library)} {library.version}".removesuffix(" unknown")
        return Reason(
            code="HPR321",
            message=f"{mpi} of the image cannot use the nodes' {kind} network",
            evidence=(
                library_found(facts, library),
                *_seen(facts, library),
                f"{in_profile(site, f'node_classes.{name}.fabric.kind')}: {kind}",
            ),
            table_row=f"fabrics.yaml networks of `{kind}`",
        )
    return None


def _ways(facts: ImageFacts, library: MpiLibrary) -> Iterator[tuple[str, str]]:
    """Yield the network libraries that an MPI library uses, with each of their parts."""
    for use in library.fabrics:
        yield use.kind, ""
        for found in facts.fabrics:
            if found.kind == use.kind:
                yield from ((use.kind, part) for part in (*found.built_in, *found.parts))


def _seen(facts: ImageFacts, library: MpiLibrary) -> tuple[str, ...]:
    """Say which network libraries it uses, and what they reach."""
    lines = []
    for use in library.fabrics:
        parts = sorted({part for used, part in _ways(facts, library) if used == use.kind and part})
        where = f" at {in_image(facts, use.path)}" if use.path else ""
        lines.append(f"it uses {use.kind}{where}, with {', '.join(parts) or 'no parts'}")
    return tuple(lines) or ("it uses no network library",)
