"""What keeps ranks or GPU collectives off a network that they could use; not whether they could."""

import re
from collections.abc import Iterator, Mapping

from hpcrun.compat.evidence import alike, asked, fits, in_classes, in_image, incompatible, unknown
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts
from hpcrun.model.nodes import Fabric, NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.fabrics import Collective, SlowChoice, fabrics

_CHOICE = asked("transport-choice")
_COLLECTIVES = asked("gpu-collectives")
_BETWEEN = re.compile(r"[,;:\s]+")


def check_choice(
    job: Mapping[str, str],
    image: Mapping[str, str],
    site: Site,
    classes: Mapping[str, NodeClass],
) -> Verdict:
    """Judge the variables of a job, and of an image, that choose how ranks talk."""
    slow = [
        verdict
        for names, node in alike(classes, lambda node: (node.fabric.kind, node.fabric.never))
        for verdict in _check_variables(
            job, image, node.fabric, in_classes(site, names, "fabric.kind")
        )
    ]
    if slow:
        return Verdict.worst_of(slow)
    number = len(job.keys() | image.keys())
    return fits(_CHOICE, f"none of {number} variables of job and image keeps ranks off a network")


def _check_variables(
    job: Mapping[str, str], image: Mapping[str, str], fabric: Fabric, key: str
) -> Iterator[Verdict]:
    kind = fabric.kind
    if not is_known(kind) or not fabrics().is_fast(kind):
        return
    for row in fabrics().slow_choices:
        where = "the job" if row.variable in job else "the image"
        value = job.get(row.variable) or image.get(row.variable)
        slow = _slow_words(value, row, fabric.never) if value else ()
        if not slow:
            continue
        reason = Reason(
            code="HPR326",
            message=f"`{row.variable}={value}` keeps the ranks off the nodes' {kind} network",
            evidence=(
                f"{where} sets `{row.variable}={value}`",
                f"{key}: {kind}",
                *(f"fabric.never of the profile lists {w}" for w in slow if w in fabric.never),
            ),
            table_row=f"fabrics.yaml slow_choices `{row.variable}`",
        )
        yield incompatible(reason, force=Force.WARNS)


def _slow_words(value: str, row: SlowChoice, never: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a value by which only slow transports are left; nothing if others are."""
    if value.startswith("^"):
        return ()
    words = [word for word in _BETWEEN.split(value) if word]
    slow = tuple(word for word in words if word in row.slow or word in never)
    return slow if all(word in slow or word in row.harmless for word in words) else ()


def check_collectives(
    facts: ImageFacts, site: Site, classes: Mapping[str, NodeClass], *, may_be_brought: bool
) -> Verdict:
    """Judge whether NCCL or RCCL of an image would use the network between nodes."""
    checked = (
        _check_library(facts, node.fabric.kind, in_classes(site, names, "fabric.kind"), row)
        for names, node in alike(classes, lambda node: node.fabric.kind)
        for row in _collectives_on(node.fabric.kind)
    )
    held = f"{facts.path.name} has {len(facts.gpu.libraries)} libraries for GPUs"
    worst = Verdict.worst_of([fits(_COLLECTIVES, held), *checked])
    if worst.weight and may_be_brought:
        return unknown(worst.reasons[0], force=Force.SKIPS)
    return worst


def _collectives_on(kind: str) -> Iterator[Collective]:
    return (row for row in fabrics().collectives if row.network == kind)


def _check_library(facts: ImageFacts, kind: str, key: str, row: Collective) -> Verdict:
    table = f"fabrics.yaml collectives of `{row.library}`"
    library = next((each for each in facts.gpu.libraries if each.kind == row.library), None)
    if library is None:
        return fits(table, f"{facts.path.name} has no {row.library}")
    at = f"{row.library.upper()} {library.version} at {in_image(facts, library.path)}"
    has_plugin = any(each.kind == row.plugin for each in facts.gpu.libraries)
    has_library = any(each.kind == row.needs for each in facts.fabrics)
    if has_plugin or has_library:
        return fits(table, at, f"{key}: {kind}", "what it opens for the network is in the image")
    lacks = "a network plugin (aws-ofi-nccl)" if row.plugin else "libibverbs"
    reason = Reason(
        code="HPR325",
        message=f"{row.library.upper()} of the image would use sockets in place of {kind}",
        evidence=(at, f"the image lacks {lacks}", f"{key}: {kind}"),
        table_row=table,
    )
    return incompatible(reason, force=Force.WARNS)
