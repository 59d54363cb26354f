"""What a profile lets say of a host stack on an image's glibc, where nobody read the stack."""

from collections.abc import Mapping

from hpcrun.compat.evidence import alike, asked, fits, in_classes, in_profile, incompatible, unknown
from hpcrun.compat.libc import image_glibc, refuse_musl
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts
from hpcrun.model.nodes import NodeClass, NodeOs
from hpcrun.model.site import Site
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.distributions import distribution_libraries
from hpcrun.tables.versions import version_key

_ROW = asked("c-library")


def check_libc_untold(
    facts: ImageFacts, site: Site, classes: Mapping[str, NodeClass], *, name: str
) -> Verdict:
    """Judge a host stack without passport: by what the profile asks of images, or by the host's.

    A library that runs on the host needs no newer glibc than the host has, and mostly an older one.
    """
    if (musl := refuse_musl(facts, name, f"stack `{name}` of the host")) is not None:
        return musl
    offered = image_glibc(facts)
    if offered is None:
        return _skipped(name, f"no C library found in {facts.path.name}")
    version, where = offered
    seen = f"image: glibc {version} ({where})"
    least = site.mpi_stacks[name].image_glibc_min
    if is_known(least):
        key = f"{in_profile(site, f'mpi_stacks.{name}.image_glibc_min')}: {least}"
        if version_key(version) >= version_key(least):
            return fits(_ROW, seen, key)
        return incompatible(_older(name, seen, key))
    return Verdict.worst_of(
        _check_host(version, seen, site, names, node, name=name)
        for names, node in alike(classes, lambda node: (node.os.glibc, node.os.id, node.os.version))
    )


def host_glibc(os: NodeOs) -> tuple[str, str] | None:
    """Return the glibc of nodes and the key of the profile that tells it."""
    if is_known(os.glibc):
        return os.glibc, "os.glibc"
    if not is_known(os.id) or not is_known(os.version):
        return None
    row = distribution_libraries(os.id, os.version)
    return (row.glibc, "os.version") if row else None


def _check_host(  # noqa: PLR0913  what is compared, and whose
    version: str,
    seen: str,
    site: Site,
    names: tuple[str, ...],
    node: NodeClass,
    *,
    name: str,
) -> Verdict:
    found = host_glibc(node.os)
    if found is None:
        return _skipped(name, f"{in_classes(site, names, 'os.glibc')} is unknown")
    glibc, key = found
    line = f"{in_classes(site, names, key)}: the host has glibc {glibc}"
    if version_key(version) >= version_key(glibc):
        return fits(_ROW, seen, line)
    reason = Reason(
        code="HPR311",
        message=f"host stack `{name}` may need a newer glibc than the image has",
        evidence=(seen, line, "nobody read what the stack really needs"),
        table_row=_ROW,
    )
    return unknown(reason, force=Force.WARNS)


def _older(name: str, *seen: str) -> Reason:
    return Reason(
        code="HPR311",
        message=f"host stack `{name}` needs a newer glibc than the image has",
        evidence=seen,
        table_row=_ROW,
    )


def _skipped(name: str, lacking: str) -> Verdict:
    reason = Reason(
        code="HPR311",
        message=f"cannot tell whether host stack `{name}` runs on the image's glibc",
        evidence=(lacking,),
        table_row=_ROW,
    )
    return unknown(reason, force=Force.SKIPS)
