"""Can the nodes run the image's programs through a handler of the kernel; judges no MPI."""

from collections.abc import Iterator, Mapping, Sequence

from hpcrun.compat.architecture import check_known, image_archs, unknown_node
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
from hpcrun.compat.microarchitecture import check_offered_level
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts
from hpcrun.model.nodes import Emulation, NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables import architectures, emulator
from hpcrun.tables.emulators import Emulator, handler_magic, own_handler
from hpcrun.tables.versions import version_key

_ROW = asked("emulation")
_OWN = asked("own-handler")
_OTHERS = {
    "machine": "is a whole machine and no handler for single programs",
    "wrapper": "starts single programs and registers no handler",
}


def check_emulated(facts: ImageFacts, site: Site, classes: Mapping[str, NodeClass]) -> Verdict:
    """Judge running the image's programs through the nodes' registered handlers."""
    archs = image_archs(facts)
    verdicts = [
        _emulated_on(facts, archs, site, names, node)
        for names, node in alike(classes, lambda node: (node.arch, node.emulation, node.os))
    ]
    return Verdict.worst_of([check_known(facts), *verdicts])


def check_own_handler(site: Site, classes: Mapping[str, NodeClass]) -> Verdict:
    """Judge whether a user may register a handler in a user namespace of their own."""
    return Verdict.worst_of(
        _own_on(site, names, node) for names, node in alike(classes, lambda node: node.os)
    )


def _emulated_on(
    facts: ImageFacts, archs: Sequence[str], site: Site, names: Sequence[str], node: NodeClass
) -> Verdict:
    if not is_known(node.arch):
        return unknown_node(site, names)
    row = architectures().by_uname(node.arch)
    if not set(archs) - {node.arch, *(row.runs if row else ())}:
        return incompatible(
            Reason(
                code="HPR603",
                message="nothing to emulate: the nodes run the image's programs themselves",
                evidence=(f"image and node class {listed(names)} are {node.arch}",),
                table_row=_ROW,
            )
        )
    found = in_classes(site, names, "emulation")
    if not is_known(node.emulation):
        return unknown(
            Reason(
                code="HPR601",
                message=f"cannot tell whether node class {listed(names)} can emulate {archs[0]}",
                evidence=(f"{found} is unknown",),
                table_row=_ROW,
            )
        )
    foreign = [arch for arch in archs if arch != node.arch]
    handlers = {handler.arch: handler for handler in node.emulation}
    verdicts: list[Verdict] = []
    for arch in foreign:
        if (handler := handlers.get(arch)) is None:
            verdicts.append(_no_handler(site, names, node, arch=arch, found=found))
        else:
            verdicts += _handled(facts, site, found, arch=arch, handler=handler)
    return Verdict.worst_of(verdicts)


def _no_handler(
    site: Site, names: Sequence[str], node: NodeClass, *, arch: str, found: str
) -> Verdict:
    own = _own_on(site, names, node)
    lines = [line for ground in own.grounds for line in ground.evidence]
    return _missing(
        f"no handler for {arch} programs on node class {listed(names)}",
        f"{found} lists no {arch}",
        *(f"a handler of one's own would be possible: {line}" for line in lines),
    )


def _handled(
    facts: ImageFacts, site: Site, found: str, *, arch: str, handler: Emulation
) -> Iterator[Verdict]:
    fault = _fault_of(handler, arch)
    if fault is not None:
        yield _missing(*fault, found)
        return
    row = emulator(handler.emulator)
    yield _fit_emulator(found, handler, row)
    if row is not None:
        yield from _check_found(site, handler, row, found)
        offer = row.offered(arch, handler.version)
        if any(other.arch == arch for other in row.offers):
            level = offer.level if offer is not None else None
            what = f"`{handler.emulator}` {handler.version}"
            yield from check_offered_level(facts, level, found=found, what=what)


def _fault_of(handler: Emulation, arch: str) -> tuple[str, str] | None:
    """Say what keeps Apptainer from using a handler, and what the profile says of it."""
    row = emulator(handler.emulator)
    if row is not None and row.kind != "handler":
        what = f"`{handler.emulator}` {_OTHERS[row.kind]}"
        return what, f"emulator of {arch}: {handler.emulator}"
    if handler.enabled is False:
        return f"the handler for {arch} is switched off", "`enabled` is false"
    if "F" not in handler.flags:
        message = f"the handler for {arch} lacks flag F, so containers cannot use it"
        return message, f"flags `{handler.flags}`"
    wanted = handler_magic(arch)
    if wanted is not None and is_known(handler.magic) and handler.magic != wanted.magic:
        message = f"the handler for {arch} has a magic by which Apptainer does not find it"
        return message, f"magic {handler.magic}; Apptainer looks for {wanted.magic}"
    return None


def _missing(message: str, *evidence: str) -> Verdict:
    return incompatible(
        Reason(code="HPR601", message=message, evidence=evidence, table_row=_ROW),
    )


def _fit_emulator(found: str, handler: Emulation, row: Emulator | None) -> Verdict:
    is_any_version = row is not None and row.mpi_since == "0"
    if row is None or not (is_any_version or is_known(handler.version)):
        return unknown(
            Reason(
                code="HPR604",
                message=f"cannot tell whether emulator `{handler.emulator}` is fit for MPI",
                evidence=(f"{found} says version {handler.version}",),
                table_row=_ROW,
            )
        )
    version = f"{handler.emulator} {handler.version}"
    if row.is_exact and (
        is_any_version or version_key(handler.version) >= version_key(row.mpi_since)
    ):
        return fits(f"emulators.yaml row `{row.id}`", f"{found}: {handler.version}")
    return incompatible(
        Reason(
            code="HPR604",
            message=f"emulator `{handler.emulator}` {handler.version} may give wrong results",
            evidence=(f"{found}: {version}",),
            table_row=f"emulators.yaml row `{row.id}`",
        )
    )


def _check_found(site: Site, handler: Emulation, row: Emulator, found: str) -> Iterator[Verdict]:
    """Judge whether the site's Apptainer finds the handler of an emulator with a magic of its own.

    Where the profile tells the magic, that has decided.
    """
    runtime = site.runtime
    if row.found_since is None or runtime.kind != "apptainer" or is_known(handler.magic):
        return
    key = in_profile(site, "runtime.version")
    seen = (f"{found}: {handler.emulator}", f"{key}: {runtime.version}")
    table_row = f"emulators.yaml row `{row.id}`"
    if not is_known(runtime.version):
        message = f"cannot tell whether the site's Apptainer finds the handler of {row.id}"
        reason = Reason(code="HPR607", message=message, evidence=seen, table_row=table_row)
        yield unknown(reason, force=Force.SKIPS)
    elif version_key(runtime.version) < version_key(row.found_since):
        message = f"Apptainer {runtime.version} does not find the handler of {row.id}"
        yield incompatible(
            Reason(code="HPR607", message=message, evidence=seen, table_row=table_row)
        )
    else:
        yield fits(table_row, *seen)


def _own_on(site: Site, names: Sequence[str], node: NodeClass) -> Verdict:
    need, os = own_handler(), node.os
    kernel = f"{in_classes(site, names, 'os.kernel')}: {os.kernel}"
    most = os.user_namespaces_max
    allowed = in_classes(site, names, "os.user_namespaces")
    spaces = f"{allowed}: {os.user_namespaces}, at most {most}"
    row = f"emulators.yaml row `{need.id}`"
    is_old = is_known(os.kernel) and version_key(os.kernel) < version_key(need.kernel_since)
    if is_old or os.user_namespaces is False or most == 0:
        message = f"users cannot register a handler of their own on node class {listed(names)}"
        reason = Reason(code="HPR601", message=message, evidence=(kernel, spaces), table_row=row)
        return incompatible(reason)
    is_allowed = os.user_namespaces is True or (isinstance(most, int) and most > 0)
    if is_known(os.kernel) and is_allowed:
        return fits(row, kernel, spaces)
    message = f"cannot tell whether users can register a handler of their own on {listed(names)}"
    reason = Reason(code="HPR601", message=message, evidence=(kernel, spaces), table_row=_OWN)
    return unknown(reason)
