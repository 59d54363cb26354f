"""Would the host's network libraries work under an image's MPI; does not choose to mount them.

The MPI stays the image's, and gets the host's libfabric with the provider for the network; or
libibverbs of the image gets the host's drivers. Symbol versions decide, the sonames say nothing.
"""

from typing import NamedTuple

from hpcrun.compat.evidence import asked, fits, in_profile, incompatible, unknown
from hpcrun.compat.fabric_parts import MpiHolder, judge_interface
from hpcrun.model.base import UNKNOWN, Unknown, is_known, known
from hpcrun.model.fabric import FabricLibrary
from hpcrun.model.image import ImageFacts, MpiLibrary
from hpcrun.model.nodes import NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.fabric_versions import fabric_versions
from hpcrun.tables.fabrics import fabrics
from hpcrun.tables.versions import version_key

_ROW = asked("injected-fabric")


class HostLibfabric(NamedTuple):
    """The nodes' libfabric, as far as anything tells of it."""

    found: str
    """Where it is known from, for evidence."""
    version: str | Unknown = UNKNOWN
    interface: str | None = None
    """Highest version of its public symbols."""
    providers: tuple[str, ...] | Unknown = UNKNOWN
    glibc: str | Unknown = UNKNOWN
    """Highest glibc that it may need; the nodes' own where nothing better is known."""


def host_libfabric(site: Site, name: str, node: NodeClass) -> HostLibfabric:
    """Return what a profile tells about the libfabric of a node class."""
    version = node.fabric.libraries.get("libfabric", UNKNOWN)
    interface = fabric_versions().interface_of(version) if is_known(version) else None
    return HostLibfabric(
        found=f"{in_profile(site, f'node_classes.{name}.fabric.libraries.libfabric')}: {version}",
        version=version,
        interface=interface,
        providers=node.fabric.providers,
        glibc=node.os.glibc,
    )


def read_libfabric(library: FabricLibrary, *, glibc: str | Unknown = UNKNOWN) -> HostLibfabric:
    """Return what was read off a libfabric of the host."""
    return HostLibfabric(
        found=f"libfabric {library.version} at {library.path}",
        version=library.version,
        interface=library.interface,
        providers=(*library.built_in, *library.parts),
        glibc=glibc,
    )


def check_injection(
    facts: ImageFacts, library: MpiLibrary, host: HostLibfabric, *, network: str
) -> Verdict:
    """Judge an MPI library of an image on the host's libfabric, for one network.

    Args:
        network: as `Fabrics.reached_as` names it, by the providers that the profile tells.
    """
    holder = MpiHolder(facts, library)
    use = next((use for use in library.fabrics if use.kind == "libfabric"), None)
    if use is None:
        reason = Reason(
            code="HPR321",
            message=f"{holder.mpi} of the image uses no libfabric that the host's could replace",
            evidence=(holder.library_found, host.found),
            table_row=_ROW,
        )
        return incompatible(reason)
    return Verdict.worst_of(
        [
            _check_interface(holder, use.interface_needed, host),
            _check_provider(holder, host, network),
            _check_glibc(facts, host),
        ]
    )


def _check_interface(holder: MpiHolder, needed: str | None, host: HostLibfabric) -> Verdict:
    if host.interface is None or needed is None:
        lacking = "which symbols it needs" if needed is None else "which symbols the host's has"
        reason = Reason(
            code="HPR324",
            message=f"cannot tell whether {holder.mpi} runs on the host's libfabric",
            evidence=(holder.library_found, host.found, f"nothing tells {lacking}"),
            table_row=asked("libfabric"),
        )
        return unknown(reason)
    return judge_interface(holder, needed, host.interface, where=host.found)


def _check_provider(holder: MpiHolder, host: HostLibfabric, network: str) -> Verdict:
    if not is_known(host.providers):
        reason = Reason(
            code="HPR321",
            message=f"cannot tell whether the host's libfabric reaches {network}",
            evidence=(host.found, "its providers are not known"),
            table_row=_ROW,
        )
        return unknown(reason, force=Force.WARNS)
    row = f"fabrics.yaml networks of `{network}`"
    for part in host.providers:
        if fabrics().ways(network, "libfabric", part, host.providers):
            return fits(row, host.found, f"provider {part}")
    reason = Reason(
        code="HPR321",
        message=f"{holder.mpi} cannot use {network} by the host's libfabric either",
        evidence=(host.found, f"its providers are {', '.join(host.providers) or 'none'}"),
        table_row=row,
    )
    return incompatible(reason)


def _check_glibc(facts: ImageFacts, host: HostLibfabric) -> Verdict:
    """Judge the host's library on the image's C library; the nodes' glibc is an upper bound."""
    libc = facts.libc
    seen = (f"image: {libc.kind} {libc.version}", f"{host.found} needs glibc {host.glibc} at most")
    if libc.kind == "musl":
        message = "the host's libfabric needs glibc, but the image's C library is musl"
        return incompatible(Reason(code="HPR311", message=message, evidence=seen, table_row=_ROW))
    image, need = known(libc.version), known(host.glibc)
    if image is not None and need is not None and version_key(need) <= version_key(image):
        return fits(_ROW, *seen)
    message = "cannot tell whether the host's libfabric runs on the image's glibc"
    reason = Reason(code="HPR311", message=message, evidence=seen, table_row=_ROW)
    return unknown(reason, force=Force.WARNS)


def check_driver_injection(facts: ImageFacts, *, private: int, found: str) -> Verdict:
    """Judge the host's drivers under an image's libibverbs: both must be of one rdma-core.

    Args:
        private: version of the private symbols that the host's drivers need.
        found: where that is known from.
    """
    table = asked("fabric-drivers")
    verbs = [each for each in facts.fabrics if each.kind == "verbs" and each.private]
    if not verbs:
        reason = Reason(
            code="HPR322",
            message="the image has no libibverbs that could take the host's drivers",
            evidence=(found, f"{facts.path.name} has no libibverbs"),
            table_row=table,
        )
        return incompatible(reason)
    wanted = f"IBVERBS_PRIVATE_{private}"
    seen = tuple(f"{each.path} of the image has {each.private}" for each in verbs)
    if all(each.private == wanted for each in verbs):
        return fits(table, *seen, f"{found} needs {wanted}")
    reason = Reason(
        code="HPR323",
        message=f"the image's libibverbs takes no drivers with {wanted}",
        evidence=(*seen, f"{found} needs {wanted}"),
        table_row=table,
    )
    return incompatible(reason)
