"""Can the processors of the partition run the image's programs; does not look at MPI."""

from collections.abc import Mapping, Sequence

from hpcrun.compat.evidence import (
    alike,
    asked,
    fits,
    in_classes,
    in_image,
    incompatible,
    listed,
    unknown,
)
from hpcrun.model.base import is_known, known
from hpcrun.model.image import ImageFacts
from hpcrun.model.nodes import NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Reason, Verdict
from hpcrun.tables import architectures

_ROW = asked("architecture")


def check_native(facts: ImageFacts, site: Site, classes: Mapping[str, NodeClass]) -> Verdict:
    """Judge running the image's programs on the nodes' own processors."""
    archs = image_archs(facts)
    verdicts = [
        _native_on(facts, archs, site, names, node)
        for names, node in alike(classes, lambda node: node.arch)
    ]
    return _all_nodes(Verdict.worst_of([check_known(facts), *verdicts]), verdicts)


def is_needless(verdict: Verdict) -> bool:
    """Whether a verdict says that there is nothing to emulate."""
    return any(reason.code == "HPR603" for reason in verdict.reasons)


def image_archs(facts: ImageFacts) -> tuple[str, ...]:
    """Return what must run, as `uname -m` words: the job's program, the programs, the label."""
    program = known(facts.program.arch) if facts.program else None
    counted = facts.arch if facts.program_archs else None
    words = (program, counted, known(facts.declared_arch))
    return tuple(dict.fromkeys(word for word in words if word and is_known(word)))


def check_known(facts: ImageFacts) -> Verdict:
    """Judge whether the image tells which processors it is for."""
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


def _native_on(
    facts: ImageFacts, archs: Sequence[str], site: Site, names: Sequence[str], node: NodeClass
) -> Verdict:
    if not is_known(node.arch):
        return unknown_node(site, names)
    row = architectures().by_uname(node.arch)
    runnable = {node.arch, *(row.runs if row else ())}
    strange = [arch for arch in archs if arch not in runnable]
    row_name = f"architectures.yaml row `{node.arch}`" if row else _ROW
    seen = f"node class {listed(names)} is {node.arch} ({in_classes(site, names, 'arch')})"
    if not strange:
        return fits(row_name, seen)
    if row is not None and set(strange) <= set(row.may_run):
        return unknown(
            Reason(
                code="HPR202",
                message=f"cannot tell whether the nodes' {node.arch} processors run {strange[0]}",
                evidence=(*_image_evidence(facts), seen),
                table_row=row_name,
            )
        )
    code = "HPR206" if len(archs) > 1 else "HPR202"
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


def unknown_node(site: Site, names: Sequence[str]) -> Verdict:
    """Return the verdict on nodes whose processors the profile does not tell."""
    return unknown(
        Reason(
            code="HPR202",
            message=f"cannot tell which processor architecture node class {listed(names)} has",
            evidence=(f"{in_classes(site, names, 'arch')} is unknown",),
            table_row=_ROW,
        )
    )
