"""Can an MPI library of an image use the nodes' fast network; does not judge how fast it is."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from hpcrun.compat.evidence import (
    alike,
    asked,
    fits,
    in_classes,
    in_image,
    incompatible,
    library_found,
    library_name,
    listed,
    unknown,
)
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts, MpiLibrary
from hpcrun.model.nodes import NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.fabrics import fabrics

_ROW = asked("fabric")


def check_fabric(
    facts: ImageFacts,
    library: MpiLibrary,
    site: Site,
    classes: Mapping[str, NodeClass],
    *,
    may_be_brought: bool,
) -> Verdict:
    """Judge whether ranks on different nodes would talk over the network that is there.

    For plain Ethernet TCP is right. `may_be_brought` tells that something beside the image, or a
    part of it that was not read, may have the libraries that it seems to lack.
    """
    checked = (
        _check_network(facts, library, node, in_classes(site, names, "fabric.kind"))
        for names, node in alike(classes, lambda node: node.fabric.kind)
    )
    worst = Verdict.worst_of([fits(_ROW, library_found(facts, library)), *checked])
    return replace(worst, force=Force.WARNS) if may_be_brought else worst


def check_network_known(site: Site, classes: Mapping[str, NodeClass]) -> Verdict:
    """Judge whether the profile tells the network of all nodes; without it nothing is checked."""
    for names, node in alike(classes, lambda node: is_known(node.fabric.kind)):
        if is_known(node.fabric.kind):
            continue
        reason = Reason(
            code="HPR321",
            message=f"cannot tell which network the nodes of class {listed(names)} have",
            evidence=(f"{in_classes(site, names, 'fabric.kind')} is unknown",),
            table_row=_ROW,
        )
        return unknown(reason, force=Force.SKIPS)
    return fits(_ROW, f"profile `{site.name}` tells the network of {listed(classes)}")


def _check_network(facts: ImageFacts, library: MpiLibrary, node: NodeClass, key: str) -> Verdict:
    kind = node.fabric.kind
    if not is_known(kind) or not fabrics().is_fast(kind):
        return fits(_ROW, f"{key}: {kind}")
    row = f"fabrics.yaml networks of `{kind}`"
    seen = (library_found(facts, library), *_seen(facts, library), f"{key}: {kind}")
    if any(fabrics().reaches(kind, used, part) for used, part in _ways(facts, library)):
        return fits(row, *seen)
    mpi = f"{library_name(library)} {library.version}".removesuffix(" unknown")
    reason = Reason(
        code="HPR321",
        message=f"{mpi} of the image cannot use the nodes' {kind} network",
        evidence=seen,
        table_row=row,
    )
    return incompatible(reason)


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
