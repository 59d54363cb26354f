"""The part of a passport's page about processor and C library; does not print."""

from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts
from hpcrun.report.page import Section, pair, section


def system_sections(facts: ImageFacts) -> list[Section]:
    """Say what the image's programs are made for."""
    lines = [
        pair("declared for", facts.declared_arch),
        pair("programs for", _archs(facts)),
        pair("C library", _c_library(facts)),
    ]
    return [section("", lines)]


def _archs(facts: ImageFacts) -> str:
    counts = [f"{arch} ({count} files)" for arch, count in facts.program_archs.items()]
    return ", ".join(counts) or "none found"


def _c_library(facts: ImageFacts) -> str:
    libc = facts.libc
    if not is_known(libc.kind):
        return "none found"
    return f"{libc.kind} {libc.version}: {libc.evidence}"
