"""Can an MPI library use the nodes' fast network; does not judge how fast it is.

Hybrid: the image's own MPI with the image's network libraries. Bind: the host stack's, with what
the stack has and the image beside it. Nothing tells when ranks fall back to TCP, so it is asked
before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from hpcrun.compat.evidence import (
    alike,
    asked,
    fits,
    in_classes,
    incompatible,
    listed,
    unknown,
)
from hpcrun.compat.fabric_parts import MpiHolder, check_drivers, lacking_of, parts_of
from hpcrun.model.base import is_known
from hpcrun.model.nodes import Fabric, NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.fabrics import Network, fabrics

_ROW = asked("fabric")
_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


def check_fabric(
    holder: MpiHolder,
    site: Site,
    classes: Mapping[str, NodeClass],
    *,
    may_be_brought: bool,
    env: Mapping[str, str] = _NO_VARIABLES,
) -> Verdict:
    """Judge whether ranks on different nodes would talk over the network that is there.

    For plain Ethernet TCP is right. `may_be_brought` tells that something beside the image, or a
    part of it that was not read, may have the libraries that it seems to lack; `env` are the job's
    own variables.
    """
    checked = (
        _check_network(holder, node.fabric, in_classes(site, names, "fabric.kind"), env)
        for names, node in alike(classes, _network_facts)
    )
    worst = Verdict.worst_of([fits(_ROW, holder.library_found), *checked])
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


def check_unread_stack(name: str, site: Site, classes: Mapping[str, NodeClass]) -> Verdict:
    """Judge a host stack of which nobody has read anything: that of a site reaches its network."""
    for names, node in alike(classes, lambda node: node.fabric.kind):
        if not is_known(node.fabric.kind) or not fabrics().is_fast(node.fabric.kind):
            continue
        reason = Reason(
            code="HPR321",
            message=f"cannot tell whether stack `{name}` reaches the network from the container",
            evidence=(
                f"no passport tells the network libraries of `{name}`",
                f"{in_classes(site, names, 'fabric.kind')}: {node.fabric.kind}",
            ),
            table_row=_ROW,
        )
        return unknown(reason, force=Force.SKIPS)
    return fits(_ROW, f"TCP is right on {listed(classes)}, as far as the profile tells")


def _network_facts(node: NodeClass) -> tuple[object, ...]:
    return (node.fabric.kind, node.fabric.providers, node.fabric.devices)


class _Way(NamedTuple):
    """A way that an MPI library has to a network."""

    row: Network
    part: str


def _check_network(holder: MpiHolder, fabric: Fabric, key: str, env: Mapping[str, str]) -> Verdict:
    kind = fabric.kind
    if not is_known(kind) or not fabrics().is_fast(kind):
        return fits(_ROW, f"{key}: {kind}")
    row = f"fabrics.yaml networks of `{kind}`"
    seen = (holder.library_found, *_seen(holder), f"{key}: {kind}")
    ways = tuple(_ways(holder, fabric, kind))
    if not ways:
        return _not_reached(holder, kind, seen, row)
    judged = [(way, _check_way(holder, way, fabric, seen)) for way in ways]
    best = min((verdict for _, verdict in judged), key=lambda verdict: verdict.weight)
    if best.weight:
        return best
    open_ways = tuple(way for way, verdict in judged if not verdict.weight)
    return _check_choice(holder, open_ways, seen, env) or best


def _not_reached(holder: MpiHolder, kind: str, seen: tuple[str, ...], row: str) -> Verdict:
    used = {use.kind for use in holder.library.fabrics}
    dead = (fabrics().dead_end(kind, library) for library in sorted(used))
    reason = Reason(
        code="HPR321",
        message=f"{holder.mpi} {holder.owner} cannot use the nodes' {kind} network",
        evidence=(*seen, *(end.message for end in dead if end)),
        table_row=row,
    )
    return incompatible(reason)


def _check_way(holder: MpiHolder, way: _Way, fabric: Fabric, seen: tuple[str, ...]) -> Verdict:
    """Judge one way to the network by what it needs besides."""
    row = f"fabrics.yaml networks of `{way.row.network}`"
    lacking = lacking_of(holder, (way.row.library, *way.row.needs))
    if lacking:
        by = f"{way.row.library}'s `{way.part}`" if way.part else way.row.library
        reason = Reason(
            code="HPR322",
            message=f"{by} reaches {way.row.network} by {lacking[0]}, which the image lacks",
            evidence=(*seen, f"{by} needs {', '.join(lacking)}"),
            table_row=row,
        )
        return incompatible(reason)
    if "verbs" in (way.row.library, *way.row.needs):
        return check_drivers(holder, fabric, seen)
    return fits(row, *seen)


def _check_choice(
    holder: MpiHolder, ways: tuple[_Way, ...], seen: tuple[str, ...], env: Mapping[str, str]
) -> Verdict | None:
    """Judge whether the MPI takes any of its ways by itself; None where it does."""
    library = holder.library
    reasons = []
    for way in ways:
        row = fabrics().left_alone(
            library.implementation, library.version, way.row.network, way.row.library
        )
        if row is None or any(name in env for name in row.unless):
            return None
        reasons.append(row)
    first = reasons[0]
    reason = Reason(
        code="HPR329",
        message=f"{holder.mpi} has a way to {first.network} that it does not take by itself",
        evidence=(*seen, *dict.fromkeys(f"{holder.mpi} {row.message}" for row in reasons)),
        table_row=f"fabrics.yaml unchosen `{first.library}`",
    )
    return incompatible(reason, force=Force.WARNS)


def _ways(holder: MpiHolder, fabric: Fabric, kind: str) -> Iterator[_Way]:
    """Yield the ways that an MPI library has to a network."""
    network = fabrics().reached_as(kind, fabric.providers)
    for used, part in parts_of(holder):
        for row in fabrics().ways(network, used, part, fabric.providers):
            yield _Way(row, part)


def _seen(holder: MpiHolder) -> tuple[str, ...]:
    """Say which network libraries it uses, and what they reach."""
    lines = []
    for use in holder.library.fabrics:
        parts = sorted({part for used, part in parts_of(holder) if used == use.kind and part})
        where = f" at {holder.place(use.path)}" if use.path else ""
        lines.append(f"it uses {use.kind}{where}, with {', '.join(parts) or 'no parts'}")
    return tuple(lines) or ("it uses no network library",)
