"""Can the processors of the partition run the image's programs; does not look at MPI."""

from collections.abc import Mapping

from hpcrun.compat.evidence import asked, fits, in_image, in_profile, incompatible, unknown
from hpcrun.model.base import is_known, known
from hpcrun.model.image import ImageFacts
from hpcrun.model.nodes import Emulation, NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Reason, Verdict
from hpcrun.tables import architectures, emulator
from hpcrun.tables.versions import version_key

_ROW = asked("architecture")
_EMULATION = asked("emulation")


def check_native(facts: ImageFacts, site: Site, classes: Mapping[str, NodeClass]) -> Verdict:
    """Judge running the image's programs on the nodes' own processors."""
    verdicts = [_native_on(facts, site, name, node) for name, node in classes.items()]
    return _all_nodes(Verdict.worst_of([_known_image(facts), *verdicts]), verdicts)


def check_emulated(facts: ImageFacts, site: Site, classes: Mapping[str, NodeClass]) -> Verdict:
    """Judge running the image's programs through the nodes' registered handlers."""
    verdicts = [_emulated_on(facts, site, name, node) for name, node in classes.items()]
    return Verdict.worst_of([_known_image(facts), *verdicts])


def image_archs(facts: ImageFacts) -> tuple[str, ...]:
    """Return what must run, as `uname -m` words: the job's program, the programs, the label."""
    program = known(facts.program.arch) if facts.program else None
    counted = facts.arch if facts.program_archs else None
    words = (program, counted, known(facts.declared_arch))
    return tuple(dict.fromkeys(word for word in words if word and is_known(word)))


def _known_image(facts: ImageFacts) -> Verdict:
    archs = image_archs(facts)
    if archs:
        return fits(_ROW, f"{facts.path.name} is for {archs[0]}")
    return unknown(
        Reason(
            code="HPR202",
            message="cannot tell which processor architecture the image is for",
            evidence=(f"no program and no label read in {facts.path.name}", *facts.unread[:3]),
            table_row=_ROW,
        )
    )


def _all_nodes(worst: Verdict, verdicts: list[Verdict]) -> Verdict:
    """Turn "only some node classes fit" into unknown: the scheduler may pick any of them."""
    answers = {verdict.answer for verdict in verdicts}
    if len(answers) > 1 and "compatible" in answers:
        return Verdict.worst_of(unknown(reason) for reason in worst.reasons)
    return worst


def _native_on(facts: ImageFacts, site: Site, name: str, node: NodeClass) -> Verdict:
    if not is_known(node.arch):
        return _unknown_node(site, name)
    row = architectures().by_uname(node.arch)
    runnable = {node.arch, *(row.runs if row else ())}
    strange = [arch for arch in image_archs(facts) if arch not in runnable]
    row_name = f"architectures.yaml row `{node.arch}`" if row else _ROW
    seen = f"node class `{name}` is {node.arch} ({in_profile(site, f'node_classes.{name}.arch')})"
    if not strange:
        return fits(row_name, seen)
    code = "HPR206" if len(set(image_archs(facts))) > 1 else "HPR202"
    return incompatible(
        Reason(
            code=code,
            message=_strange_message(facts, code, node_arch=node.arch),
            evidence=(*_image_evidence(facts), seen),
            table_row=row_name,
        )
    )


def _strange_message(facts: ImageFacts, code: str, *, node_arch: str) -> str:
    if code == "HPR202":
        return f"image is for {image_archs(facts)[0]}, but the nodes are {node_arch}"
    declared = known(facts.declared_arch)
    inside = [arch for arch in image_archs(facts) if arch != declared]
    if declared is None or not facts.program_archs or facts.arch == declared:
        return f"the job's program is for {image_archs(facts)[0]}, the image for {facts.arch}"
    return f"image is labelled {declared}, but holds {inside[-1]} programs"


def _image_evidence(facts: ImageFacts) -> tuple[str, ...]:
    counted = sorted(facts.program_archs.items(), key=lambda item: (-item[1], item[0]))
    found = [f"{count} programs are {arch} in {facts.path.name}" for arch, count in counted[:3]]
    if is_known(facts.declared_arch):
        found.append(f"{facts.path.name} says of itself that it is {facts.declared_arch}")
    if facts.program and facts.program.path and is_known(facts.program.arch):
        found.append(f"{in_image(facts, facts.program.path)} is {facts.program.arch}")
    return tuple(found)


def _unknown_node(site: Site, name: str) -> Verdict:
    key = f"node_classes.{name}.arch"
    return unknown(
        Reason(
            code="HPR202",
            message=f"cannot tell which processor architecture node class `{name}` has",
            evidence=(f"{in_profile(site, key)} is unknown",),
            table_row=_ROW,
        )
    )


def _emulated_on(facts: ImageFacts, site: Site, name: str, node: NodeClass) -> Verdict:
    if not is_known(node.arch):
        return _unknown_node(site, name)
    archs = image_archs(facts)
    row = architectures().by_uname(node.arch)
    if not set(archs) - {node.arch, *(row.runs if row else ())}:
        return incompatible(
            Reason(
                code="HPR603",
                message="nothing to emulate: the nodes run the image's programs themselves",
                evidence=(f"image and node class `{name}` are {node.arch}",),
                table_row=_EMULATION,
            )
        )
    key = f"node_classes.{name}.emulation"
    if not is_known(node.emulation):
        return unknown(
            Reason(
                code="HPR601",
                message=f"cannot tell whether node class `{name}` can emulate {archs[0]}",
                evidence=(f"{in_profile(site, key)} is unknown",),
                table_row=_EMULATION,
            )
        )
    foreign = [arch for arch in archs if arch != node.arch]
    handlers = {handler.arch: handler for handler in node.emulation}
    return Verdict.worst_of(
        _handled(site, name, arch=arch, handler=handlers.get(arch)) for arch in foreign
    )


def _handled(site: Site, name: str, *, arch: str, handler: Emulation | None) -> Verdict:
    found = in_profile(site, f"node_classes.{name}.emulation")
    if handler is None:
        return incompatible(
            Reason(
                code="HPR601",
                message=f"no handler for {arch} programs on node class `{name}`",
                evidence=(f"{found} lists no {arch}",),
                table_row=_EMULATION,
            )
        )
    if "F" not in handler.flags:
        return incompatible(
            Reason(
                code="HPR601",
                message=f"the handler for {arch} lacks flag F, so containers cannot use it",
                evidence=(f"{found} gives flags `{handler.flags}`",),
                table_row=_EMULATION,
            )
        )
    return _fit_emulator(found, handler)


def _fit_emulator(found: str, handler: Emulation) -> Verdict:
    row = emulator(handler.emulator)
    if row is None or not is_known(handler.version):
        return unknown(
            Reason(
                code="HPR604",
                message=f"cannot tell whether emulator `{handler.emulator}` is fit for MPI",
                evidence=(f"{found} says version {handler.version}",),
                table_row=_EMULATION,
            )
        )
    if row.is_exact and version_key(handler.version) >= version_key(row.mpi_since):
        return fits(f"emulators.yaml row `{row.id}`", f"{found}: {handler.version}")
    return incompatible(
        Reason(
            code="HPR604",
            message=f"emulator `{handler.emulator}` {handler.version} may give wrong results",
            evidence=(f"{found}",),
            table_row=f"emulators.yaml row `{row.id}`",
        )
    )
