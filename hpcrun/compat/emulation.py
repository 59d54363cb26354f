"""What MPI, network and GPUs are to emulated programs; judges no emulator by itself."""

from collections.abc import Mapping

from hpcrun.compat.architecture import image_archs
from hpcrun.compat.evidence import (
    alike,
    asked,
    fits,
    in_classes,
    in_profile,
    incompatible,
    unknown,
)
from hpcrun.compat.pmi import PmiClient
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts
from hpcrun.model.nodes import Emulation, NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Answer, Force, Reason, Verdict
from hpcrun.tables import emulation_clash
from hpcrun.tables.fabrics import fabrics

_NETWORK = asked("emulated-network")
_GPU = asked("emulated-gpu")


def check_emulated_mpi(
    client: PmiClient, facts: ImageFacts, site: Site, classes: Mapping[str, NodeClass]
) -> Verdict:
    """Judge one library of an image under every emulator that would run the image's programs."""
    archs = image_archs(facts)
    checked = [
        _check_under(client, handler, in_profile(site, f"node_classes.{name}.emulation"))
        for name, node in classes.items()
        if is_known(node.emulation)
        for handler in node.emulation
        if handler.arch in archs
    ]
    no_handler = fits(asked("emulated-mpi"), f"no emulator is known that would run {client.name}")
    return Verdict.worst_of(checked or [no_handler])


def check_emulated_network(site: Site, classes: Mapping[str, NodeClass]) -> Verdict:
    """Judge what emulated ranks on different nodes talk over: TCP, whatever the network is.

    Foreign programs reach InfiniBand and its like by calls to drivers that no emulator translates.
    """
    verdicts = []
    for names, node in alike(classes, lambda node: node.fabric.kind):
        kind = node.fabric.kind
        key = f"{in_classes(site, names, 'fabric.kind')}: {kind}"
        if not is_known(kind) or not fabrics().is_fast(kind):
            verdicts.append(fits(_NETWORK, key))
            continue
        reason = Reason(
            code="HPR605",
            message=f"emulated ranks cannot use the nodes' {kind} network: they talk over TCP",
            evidence=(key,),
            table_row=_NETWORK,
        )
        verdicts.append(incompatible(reason, force=Force.WARNS))
    return Verdict.worst_of([fits(_NETWORK, "emulated ranks talk over TCP"), *verdicts])


def check_emulated_gpu(facts: ImageFacts, *, gpus_per_node: int) -> Verdict:
    """Judge GPUs for emulated programs: their driver's libraries are the host's."""
    asked_for = f"the job asks for {gpus_per_node} GPUs on each node"
    if not gpus_per_node:
        return fits(_GPU, "the job asks for no GPUs")
    reason = Reason(
        code="HPR606",
        message="emulated programs cannot use GPUs",
        evidence=(asked_for, f"{facts.path.name} is for {facts.arch}, the driver for the nodes"),
        table_row=_GPU,
    )
    return incompatible(reason)


def _check_under(client: PmiClient, handler: Emulation, found: str) -> Verdict:
    row = emulation_clash(handler.emulator, handler.version, client.family, client.version)
    if row is None:
        seen = f"nothing is known against {client.name} under `{handler.emulator}`"
        return fits(asked("emulated-mpi"), seen, client.found, found)
    is_certain = (
        row.answer is Answer.INCOMPATIBLE and is_known(handler.version) and is_known(client.version)
    )
    under = f"`{handler.emulator}` {handler.version}"
    message = (
        f"{client.name} fails under {under}: {row.outcome}"
        if is_certain
        else f"cannot tell whether {client.name} works under {under}: {row.outcome}"
    )
    reason = Reason(
        code="HPR604",
        message=message,
        evidence=(client.found, found),
        table_row=f"emulators.yaml row `{row.id}`",
    )
    return incompatible(reason) if is_certain else unknown(reason)
