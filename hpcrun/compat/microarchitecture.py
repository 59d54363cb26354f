"""Are the nodes' processors new enough for the image's programs; the architecture is the same.

What an image tells is a lower bound: programs may use more than any sign of them says.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hpcrun.compat.evidence import (
    alike,
    asked,
    fits,
    in_classes,
    incompatible,
    listed,
    unknown,
)
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts
from hpcrun.model.nodes import NodeClass
from hpcrun.model.seen import Certainty
from hpcrun.model.site import Site
from hpcrun.model.system import LevelSign
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.distributions import distribution_baseline
from hpcrun.tables.processors import Processor, processor

_ROW = asked("processor-level")
_FLAG = re.compile(r"-m(?:arch|cpu)=([A-Za-z0-9_.-]{2,40})|-x(Host)\b|\btarget=([a-z0-9_]{2,40})\b")
_NATIVE = frozenset({"native", "Host"})
_SHOWN = 4


class _Need(NamedTuple):
    """A processor that something in the image was made for."""

    row: Processor
    found: str
    force: Force
    """What it means if the nodes have not got it."""
    is_hint: bool


def check_processor(
    facts: ImageFacts, site: Site, classes: Mapping[str, NodeClass]
) -> tuple[Verdict, ...]:
    """Judge the image's programs on the nodes' own processors, one verdict for each sign."""
    needs = tuple(_needs(facts))
    plain = fits(_ROW, f"nothing in {facts.path.name} asks for more than {facts.arch} has")
    verdicts = [_check_need(need, site, classes) for need in needs if not need.row.is_plain]
    return (*(verdicts or [plain]), *_check_native_build(facts))


def check_offered_level(
    facts: ImageFacts, level: str | None, *, found: str, what: str
) -> Iterator[Verdict]:
    """Judge the image's programs on a processor that is only imitated; None is an unknown one."""
    offered = processor(level) if level is not None else None
    for need in _needs(facts):
        if need.row.is_plain:
            continue
        seen = (need.found, f"{found}: {what} has {level or 'an unknown level'}")
        table_row = f"processors.yaml row `{need.row.name}`"
        if offered is None or offered.arch != need.row.arch:
            message = f"cannot tell whether {what} runs programs for {need.row.name}"
            reason = Reason(code="HPR217", message=message, evidence=seen, table_row=table_row)
            yield unknown(reason, force=Force.SKIPS)
        elif lacks := offered.lacks(need.row):
            modal = "may need" if need.is_hint else "need"
            message = f"programs {modal} {need.row.name}; {what} lacks {lacks[0]}"
            reason = Reason(code="HPR217", message=message, evidence=seen, table_row=table_row)
            answer = unknown if need.is_hint else incompatible
            yield answer(reason, force=need.force)
        else:
            yield fits(table_row, *seen)


def _needs(facts: ImageFacts) -> Iterator[_Need]:
    """Yield what the signs in the image ask for, the same processor once."""
    own = own_files(facts)
    folders = []
    seen = set()
    for sign in facts.system.levels:
        row = processor(sign.level)
        if not sign.is_needed or row is None or row.arch != facts.arch:
            continue
        need = _Need(
            row,
            f"{facts.path.name} is made for {sign.level}: {sign.evidence}",
            _force(facts, sign, own),
            sign.certainty is Certainty.HINT,
        )
        if sign.evidence.startswith("folder of "):
            folders.append(need)
        elif row.name not in seen:
            seen.add(row.name)
            yield need
    if len(folders) == 1:
        # Several targets side by side are variants, of which each node takes its own.
        yield folders[0]
    yield from _told_needs(facts)


def own_files(facts: ImageFacts) -> frozenset[str]:
    """Return the files that surely take part in the job's command."""
    files = {facts.program.path} if facts.program and facts.program.path else set()
    if facts.command is not None:
        files |= {step.path for step in facts.command.steps if step.path}
        files |= {loaded.path for loaded in facts.command.closure if loaded.path}
    return frozenset(files)


def _force(facts: ImageFacts, sign: LevelSign, own: frozenset[str]) -> Force:
    file = sign.evidence.rpartition(" in ")[2]
    if sign.certainty is Certainty.SURE:
        # The loader itself stops where a note asks for more (glibc 2.33 and later).
        is_own = file in own or file.endswith("/libc.so.6")
        return Force.REFUSES if is_own else Force.WARNS
    if sign.certainty is Certainty.LIKELY:
        os = facts.system.os
        ids = (os.id,) if os is not None and is_known(os.id) else ()
        version = os.version if os is not None and is_known(os.version) else ""
        is_exact = distribution_baseline(ids, version, facts.arch) is not None
        return Force.REFUSES if is_exact else Force.WARNS
    return Force.SKIPS if "compiler flag" in sign.evidence and file not in own else Force.WARNS


def _told_needs(facts: ImageFacts) -> Iterator[_Need]:
    """Yield the targets that the image's recipe and labels name."""
    for name, where in dict(_targets(facts)).items():
        row = processor(name)
        if row is not None and row.arch == facts.arch:
            found = f"{where} of {facts.path.name} names target `{name}`"
            yield _Need(row, found, Force.WARNS, is_hint=True)


def _targets(facts: ImageFacts) -> Iterator[tuple[str, str]]:
    texts = [("the definition file", facts.container.definition)]
    texts += [(f"label `{key}`", text) for key, text in facts.container.labels.items()]
    for where, text in texts:
        if "-m" in text or "-x" in text or "target=" in text:
            for match in _FLAG.finditer(text):
                yield next(name for name in match.groups() if name), where


def _check_need(need: _Need, site: Site, classes: Mapping[str, NodeClass]) -> Verdict:
    fitting: list[str] = []
    lacking: list[str] = []
    untold: list[str] = []
    seen = [need.found]
    missing: tuple[str, ...] = ()
    for names, node in alike(classes, lambda node: node.microarch):
        key = in_classes(site, names, "microarch")
        row = processor(node.microarch) if is_known(node.microarch) else None
        if row is None or row.arch != need.row.arch:
            untold += names
            seen.append(f"{key}: {node.microarch}")
        elif lacks := row.lacks(need.row):
            lacking += names
            missing = missing or lacks
            seen.append(f"{key}: {node.microarch}, which lacks {listed(lacks[:_SHOWN])}")
        else:
            fitting += names
            seen.append(f"{key}: {node.microarch}")
    if not lacking and not untold:
        return fits(f"processors.yaml row `{need.row.name}`", *seen)
    if not lacking:
        return _untold(need, untold, seen)
    if fitting or untold:
        return _mixed(need, classes, lacking, fitting, seen)
    return _too_old(need, missing, seen)


def _too_old(need: _Need, missing: tuple[str, ...], seen: list[str]) -> Verdict:
    modal = "may need" if need.is_hint else "need"
    reason = Reason(
        code="HPR217",
        message=f"programs {modal} {need.row.name}; the nodes' processors lack {missing[0]}",
        evidence=tuple(seen),
        table_row=f"processors.yaml row `{need.row.name}`",
    )
    if need.is_hint:
        return unknown(reason, force=need.force)
    return incompatible(reason, force=need.force)


def _mixed(
    need: _Need,
    classes: Mapping[str, NodeClass],
    lacking: list[str],
    fitting: list[str],
    seen: list[str],
) -> Verdict:
    """Judge nodes of which the scheduler may pick some that are too old."""
    for name in fitting:
        features = classes[name].features
        others = [classes[other].features for other in lacking]
        if is_known(features) and all(map(is_known, others)):
            taken = {feature for other in others for feature in other}
            if own := [feature for feature in features if feature not in taken]:
                seen.append(f"nodes of class `{name}` fit; they alone have {listed(own)}")
    reason = Reason(
        code="HPR218",
        message=f"nodes of class {listed(lacking)} cannot run programs for {need.row.name}",
        evidence=tuple(seen),
        table_row=f"processors.yaml row `{need.row.name}`",
    )
    return unknown(reason, force=need.force)


def _untold(need: _Need, untold: list[str], seen: list[str]) -> Verdict:
    reason = Reason(
        code="HPR217",
        message=f"cannot tell whether nodes of class {listed(untold)} run {need.row.name}",
        evidence=tuple(seen),
        table_row=_ROW,
    )
    return unknown(reason, force=Force.SKIPS)


def _check_native_build(facts: ImageFacts) -> Iterator[Verdict]:
    """Warn of programs made for whichever machine they were built on."""
    places = [where for name, where in _targets(facts) if name in _NATIVE]
    if places:
        reason = Reason(
            code="HPR219",
            message="the image was compiled for the processor of the machine that built it",
            evidence=(f"{places[0]} of {facts.path.name} asks for the build machine's own",),
            table_row=asked("native-build"),
        )
        yield unknown(reason, force=Force.WARNS)
