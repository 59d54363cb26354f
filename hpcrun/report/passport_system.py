"""The part of a passport's page about processor, distribution, C library; does not print."""

from collections.abc import Iterator

from hpcrun.model.base import is_known, known
from hpcrun.model.image import ImageFacts
from hpcrun.model.seen import Certainty
from hpcrun.model.system import LevelSign
from hpcrun.report.page import Section, count, pair, section

_EXAMPLES = 3
_LEVELS = 3
_SURENESS = {Certainty.SURE: "", Certainty.LIKELY: "likely ", Certainty.HINT: "perhaps "}


def system_sections(facts: ImageFacts) -> list[Section]:
    """Say what the image's programs are made for."""
    lines = [
        pair("processor", _archs(facts)),
        *(pair("", line) for line in _strangers(facts)),
        *_levels(facts),
        pair("C library", _c_library(facts)),
        *_os(facts),
    ]
    return [section("", lines)]


def further_lines(facts: ImageFacts) -> list[str]:
    """Say what decides less often."""
    return [*_cxx_library(facts), *_user_site(facts)]


def _archs(facts: ImageFacts) -> str:
    counts = [f"{arch} ({count(number, 'file')})" for arch, number in facts.program_archs.items()]
    inside = ", ".join(counts) or "no programs found"
    declared = f"declared as {facts.declared_arch}"
    if not is_known(facts.declared_arch):
        return f"{inside}; the image declares none"
    if facts.program_archs and facts.declared_arch not in facts.program_archs:
        return f"{inside}, but {declared}: the label is wrong"
    if facts.arch != facts.declared_arch and facts.program_archs:
        return f"{inside}, but {declared}: most programs are for {facts.arch}"
    return f"{inside}, {declared}"


def _strangers(facts: ImageFacts) -> Iterator[str]:
    """Name a few files of each architecture that the image does not declare, or that is rare."""
    for share in facts.system.archs:
        is_alone = len(facts.system.archs) == 1 and share.arch == facts.declared_arch
        if is_alone or (share.arch == facts.declared_arch == facts.arch):
            continue
        if not is_known(facts.declared_arch) and share.arch == facts.arch:
            continue
        more = share.n_files - _EXAMPLES
        rest = f" and {more} further" if more > 0 else ""
        yield f"{share.arch}: {', '.join(share.examples[:_EXAMPLES])}{rest}"


def _levels(facts: ImageFacts) -> Iterator[str]:
    signs = facts.system.levels
    for name, sign in zip(("built for", "", ""), signs[:_LEVELS], strict=False):
        yield pair(name, _level(sign))
    if len(signs) > _LEVELS:
        yield pair("", f"{len(signs) - _LEVELS} further signs; all with --json")


def _level(sign: LevelSign) -> str:
    verb = "" if sign.is_needed else "also "
    files = f", {sign.n_files} files" if sign.n_files > 1 else ""
    return f"{_SURENESS[sign.certainty]}{verb}{sign.level}{files}: {sign.evidence}"


def _c_library(facts: ImageFacts) -> str:
    libc = facts.libc
    if not is_known(libc.kind):
        return "none found"
    return f"{libc.kind} {libc.version}: {libc.evidence}"


def _cxx_library(facts: ImageFacts) -> Iterator[str]:
    library = facts.system.libstdcxx
    if library is not None:
        offers = f"GLIBCXX_{library.glibcxx}, CXXABI_{library.cxxabi}"
        yield pair("C++ library", f"offers up to {offers}: {library.path}")


def _os(facts: ImageFacts) -> Iterator[str]:
    os = facts.system.os
    if os is not None:
        name = known(os.name) or f"{os.id} {known(os.version) or ''}".strip()
        yield pair("system", f"{name} ({os.path})")


def _user_site(facts: ImageFacts) -> Iterator[str]:
    site = facts.system.user_site
    if site is not None and site.is_read is True:
        yield pair(
            "Python", "would import packages from ~/.local first; PYTHONNOUSERSITE=1 stops it"
        )
