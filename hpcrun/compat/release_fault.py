"""Has this very release of an MPI a known fault that this job would meet."""

from collections.abc import Mapping

from hpcrun.compat.evidence import alike, asked, fits, in_classes, incompatible, listed, unknown
from hpcrun.compat.pmi import PmiClient
from hpcrun.model.base import is_known
from hpcrun.model.nodes import NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.fabrics import fabrics
from hpcrun.tables.release_faults import ReleaseFault, release_faults

_ROW = asked("release-fault")


def check_release_fault(  # noqa: PLR0913  the library, where it runs, and how
    client: PmiClient,
    site: Site,
    classes: Mapping[str, NodeClass],
    *,
    n_nodes: int,
    n_ranks: int,
    job_env: Mapping[str, str],
) -> Verdict:
    """Judge one library over the network of the nodes that a job may land on."""
    fault = release_faults().of(client.make, client.version, client.device)
    if n_nodes == 1 or fault is None or fault.unless in job_env:
        what = f"{n_nodes} nodes and {n_ranks} ranks"
        return fits(_ROW, client.found, f"no fault of it is known for {what}")
    for names, node in alike(classes, lambda node: node.fabric.kind):
        kind = node.fabric.kind
        if is_known(kind) and fabrics().is_fast(kind):
            continue
        seen = f"{in_classes(site, names, 'fabric.kind')} is {kind}: {listed(names)}"
        reason = Reason(
            code="HPR415",
            message=f"{client.name} {fault.outcome}",
            evidence=(client.found, seen, *_unset(fault)),
            table_row=f"release_faults.yaml row `{fault.id}`",
        )
        if is_known(kind) and n_ranks >= fault.ranks_sure:
            return incompatible(reason)
        return unknown(reason, force=Force.WARNS)
    return fits(_ROW, client.found, "the nodes' network is not the one that it has a fault with")


def _unset(fault: ReleaseFault) -> tuple[str, ...]:
    return (f"`{fault.unless}` is not set",) if fault.unless else ()
