"""The part of a passport's page about GPUs; does not print."""

from collections.abc import Iterator

from hpcrun.model.base import is_known
from hpcrun.model.gpu import GpuFacts
from hpcrun.report.page import Section, section


def gpu_section(facts: GpuFacts) -> Section:
    """Say what the image has for GPUs, briefly."""
    return section("GPU", _lines(facts))


def _lines(facts: GpuFacts) -> Iterator[str]:
    if facts.toolkits:
        yield ", ".join(f"{kit.kind} {kit.version} ({kit.evidence})" for kit in facts.toolkits)
    names: dict[str, None] = {}
    for library in facts.libraries:
        version = f" {library.version}" if is_known(library.version) else ""
        names[f"{library.kind}{version}"] = None
    if names:
        yield ", ".join(names)
    codes: dict[str, list[str]] = {}
    for code in facts.code:
        portable = f", portable from {' '.join(code.portable)}" if code.portable else ""
        codes.setdefault(f"{' '.join(code.targets) or 'none'}{portable}", []).append(code.path)
    for targets, paths in codes.items():
        more = f" and {len(paths) - 1} further" if len(paths) > 1 else ""
        yield f"code for {targets}: {paths[0]}{more}"
    for name, text in facts.environment.items():
        yield f"{name}={text}"
