"""A check as a page for people: one block per site, what is the same at all of them once."""

from collections.abc import Iterator, Sequence

from hpcrun.model.check import Check, SiteCheck
from hpcrun.model.diagnostic import Diagnostic
from hpcrun.model.plan import Skipped
from hpcrun.planner import UNKNOWN_NOTE
from hpcrun.report.diagnostics import format_counts, format_diagnostic, in_order
from hpcrun.report.plan import format_way
from hpcrun.report.terminal import escape, styled

_SITES_TOLD = 2
"""From so many sites on, what all of them have in common is told once."""
_SITES_IN_FULL = 6
"""Of more sites only the ways are told: a page for each would be read by nobody."""


def format_check(check: Check, *, colour: bool = False, is_verbose: bool = False) -> str:
    """Write the page."""
    common = common_diagnostics(check.sites)
    everywhere = [*check.diagnostics, *common]
    blocks = [_headline(check)]
    blocks += _diagnostics(everywhere, colour=colour, is_verbose=is_verbose)
    if len(check.sites) > _SITES_IN_FULL and not is_verbose:
        blocks.append("\n".join(_site(at, colour=colour) for at in check.sites))
        blocks.append("the reasons at each: --verbose, or fewer sites")
    else:
        for at in check.sites:
            own = [one for one in at.diagnostics if one not in common]
            blocks.append(_site(at, colour=colour))
            blocks += _diagnostics(own, colour=colour, is_verbose=is_verbose)
            blocks += _skipped(at.skipped, is_verbose=is_verbose)
    every = in_order((*check.diagnostics, *(one for at in check.sites for one in at.diagnostics)))
    if every:
        blocks.append(format_counts(every))
    return "\n\n".join(blocks) + "\n"


def common_diagnostics(sites: Sequence[SiteCheck]) -> list[Diagnostic]:
    """Return what is said, in the same words, of every site that could be checked."""
    checked = [set(at.diagnostics) for at in sites if at.problem is None]
    if len(checked) < _SITES_TOLD:
        return []
    return in_order(set.intersection(*checked))


def _headline(check: Check) -> str:
    count = "no site" if not check.sites else f"{len(check.sites)} sites"
    where = f"site {check.sites[0].site}" if len(check.sites) == 1 else count
    article = "an" if check.kind == "image" else "a"
    lines = [f"{check.input}: {article} {check.kind}, checked at {where}"]
    lines += [f"  {line}" for line in check.about]
    return "\n".join(map(escape, lines))


def _site(at: SiteCheck, *, colour: bool) -> str:
    name = styled(escape(at.site), "strong", colour=colour)
    where = f" in partition `{at.partition}`" if at.chosen and at.partition else ""
    return f"{name}: {escape(_way(at) + where)}"


def _way(at: SiteCheck) -> str:
    if at.problem is not None:
        return f"not checked: {at.problem}"
    if at.chosen is None:
        against = [d for d in in_order(at.diagnostics) if d.refuses]
        is_unknown = bool(against) and all(UNKNOWN_NOTE in d.notes for d in against)
        codes = ", ".join(dict.fromkeys(d.code for d in against))
        return f"{'cannot be told' if is_unknown else 'refused'}: {codes}".removesuffix(": ")
    return format_way(at.chosen)


def _diagnostics(found: Sequence[Diagnostic], *, colour: bool, is_verbose: bool) -> Iterator[str]:
    for one in in_order(found):
        yield format_diagnostic(one, colour=colour, is_verbose=is_verbose)


def _skipped(skipped: Sequence[Skipped], *, is_verbose: bool) -> Iterator[str]:
    """Say what was not checked for lack of facts, which is not the same as passed."""
    if not skipped:
        return
    lines = ["not checked, for a fact is lacking:"]
    for each in skipped:
        lines.append(f"  {each.code}: {each.message}")
        lacking = each.lacking if is_verbose else each.lacking[:1]
        lines += [f"    lacking: {fact}" for fact in lacking]
    yield "\n".join(map(escape, lines))
