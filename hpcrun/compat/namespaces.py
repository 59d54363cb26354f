"""Do the nodes let a user start that many containers; judges no image and no MPI."""

from collections.abc import Mapping

from hpcrun.compat.evidence import (
    alike,
    asked,
    fits,
    in_classes,
    in_profile,
    incompatible,
    listed,
    unknown,
)
from hpcrun.model.base import is_known
from hpcrun.model.nodes import NodeClass, NodeOs
from hpcrun.model.site import Site
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.runtimes import Demand, runtime_demand
from hpcrun.tables.versions import version_key

_ROW = asked("user-namespaces")
_MOUNTS = asked("image-mounts")


def check_namespaces(
    site: Site, classes: Mapping[str, NodeClass], *, ranks_per_node: int
) -> Verdict:
    """Judge the user namespaces that a runtime without setuid takes: each rank has its own."""
    mode = f"{in_profile(site, 'runtime.mode')}: {site.runtime.mode}"
    demand = runtime_demand("user-namespaces", site.runtime.kind)
    if site.runtime.mode == "setuid" or demand is None:
        return fits(_ROW, mode)
    return Verdict.worst_of(
        _check_class(site, names, node.os, mode, demand, ranks_per_node)
        for names, node in alike(
            classes,
            lambda node: (
                node.os.user_namespaces,
                node.os.user_namespaces_max,
                node.os.id,
                node.os.version,
            ),
        )
    )


def _check_class(  # noqa: PLR0913, PLR0917  what is compared, and whose
    site: Site,
    names: tuple[str, ...],
    os: NodeOs,
    mode: str,
    demand: Demand,
    ranks: int,
) -> Verdict:
    table_row = f"runtimes.yaml row `{demand.id}`"
    least, safe = ranks * demand.per_rank, ranks * (demand.at_start or demand.per_rank)
    most = os.user_namespaces_max
    key = f"{in_classes(site, names, 'os.user_namespaces_max')}: {most}"
    is_sure = site.runtime.mode == "userns"
    if os.user_namespaces is False or most == 0:
        allowed = f"{in_classes(site, names, 'os.user_namespaces')}: {os.user_namespaces}"
        doubt = "" if is_sure else ", if the runtime needs them"
        message = f"users cannot make user namespaces on nodes of class {listed(names)}{doubt}"
        reason = Reason("HPR513", message, (mode, allowed, key), _ROW)
        if not is_sure:
            return unknown(reason, force=Force.SKIPS)
        # AppArmor may forbid them to users and allow them to Apptainer's own program.
        return incompatible(reason, force=Force.REFUSES if most == 0 else Force.WARNS)
    if isinstance(most, int) and most < safe:
        modal = "take" if is_sure and most < least else "may take"
        takes = f"{ranks} ranks on a node {modal} {least if most < least else safe}"
        message = f"{takes} user namespaces, the nodes allow {most}"
        reason = Reason("HPR513", message, (mode, key), table_row)
        if not is_sure:
            return unknown(reason, force=Force.SKIPS)
        return incompatible(reason, force=Force.REFUSES if most < least else Force.WARNS)
    if not is_sure and not is_known(os.user_namespaces) and _is_restricted(os):
        message = f"cannot tell whether AppArmor lets users of {listed(names)} make namespaces"
        seen = f"{in_classes(site, names, 'os.id')}: {os.id} {os.version}"
        return unknown(Reason("HPR513", message, (mode, seen), _ROW), force=Force.SKIPS)
    return fits(table_row, mode, key)


def _is_restricted(os: NodeOs) -> bool:
    """Whether the distribution forbids user namespaces unless a profile of AppArmor allows them."""
    is_ubuntu = os.id == "ubuntu" and is_known(os.version)
    return is_ubuntu and version_key(os.version) >= version_key("23.10")


def check_image_mounts(site: Site, *, kind: str, ranks_per_node: int) -> Verdict:
    """Judge how often a node mounts the image: without setuid by a process for each rank."""
    demand = runtime_demand("image-mounts", site.runtime.kind)
    mode = f"{in_profile(site, 'runtime.mode')}: {site.runtime.mode}"
    if demand is None or demand.many is None or kind not in ("sif", "squashfs"):
        return fits(_MOUNTS, f"the image is a {kind}")
    table_row = f"runtimes.yaml row `{demand.id}`"
    n_mounts = ranks_per_node * demand.per_rank
    if site.runtime.mode != "userns" or n_mounts < demand.many:
        return fits(table_row, mode, f"{ranks_per_node} ranks on a node")
    message = f"each of {ranks_per_node} ranks on a node mounts the image by a process of its own"
    reason = Reason("HPR516", message, (mode, f"the image is a {kind}"), table_row)
    return incompatible(reason, force=Force.WARNS)
