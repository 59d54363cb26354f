"""Does this MPI library work under the nodes' emulators; judges no emulator by itself."""

from collections.abc import Mapping

from hpcrun.compat.architecture import image_archs
from hpcrun.compat.evidence import asked, fits, in_profile, incompatible, unknown
from hpcrun.compat.pmi import PmiClient
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts
from hpcrun.model.nodes import Emulation, NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Answer, Reason, Verdict
from hpcrun.tables import emulation_clash


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
