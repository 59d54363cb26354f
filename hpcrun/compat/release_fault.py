"""Has this very release of an MPI a known fault that this job would meet."""

from collections.abc import Mapping

from hpcrun.compat.evidence import alike, asked, fits, in_classes, incompatible, listed, unknown
from hpcrun.compat.pmi import PmiClient
from hpcrun.model.base import is_known
from hpcrun.model.nodes import NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.fabrics import fabrics
from hpcrun.tables.release_faults import release_faults

_ROW = asked("release-fault")


def check_release_fault(
    client: PmiClient,
    site: Site,
    classes: Mapping[str, NodeClass],
    *,
    n_nodes: int,
    job_env: Mapping[str, str],
) -> Verdict:
    """Judge one library over the network of the nodes that a job may land on."""
    fault = release_faults().of(client.make, client.version) if n_nodes > 1 else None
    if fault is None or fault.unless in job_env:
        return fits(_ROW, client.found, f"no fault of it is known for {n_nodes} nodes")
    for names, node in alike(classes, lambda node: node.fabric.kind):
        kind = node.fabric.kind
        if is_known(kind) and fabrics().is_fast(kind):
            continue
        seen = f"{in_classes(site, names, 'fabric.kind')} is {kind}: {listed(names)}"
        reason = Reason(
            code="HPR415",
            message=f"{client.name} {fault.outcome}",
            evidence=(client.found, seen, f"`{fault.unless}` is not set"),
            table_row=f"release_faults.yaml row `{fault.id}`",
        )
        return incompatible(reason) if is_known(kind) else unknown(reason, force=Force.WARNS)
    return fits(_ROW, client.found, "the nodes' network is not the one that it has a fault with")
