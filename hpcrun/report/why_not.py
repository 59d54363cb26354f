"""Why candidates were not chosen, as a page for people; does not print it."""

from collections.abc import Iterator

from hpcrun.model.plan import Candidate
from hpcrun.model.why_not import ChangedFact, Rejected, WhyNot
from hpcrun.report.plan import format_way
from hpcrun.report.terminal import escape

_EVIDENCE = 4
_NAMED = 2
_BLOCKS = 4


_PREFERENCE = (
    "would work too; preferred are native before emulated, hybrid before bind, "
    "the PMI that a library takes by itself, and newer before older stacks"
)


def format_why_not(answer: WhyNot, *, is_verbose: bool = False) -> str:
    """Return the page: each group of candidates with what speaks against it and what would help."""
    shown = answer.answers if is_verbose else answer.answers[:_BLOCKS]
    blocks = [_headline(answer), *(_block(one, answer, is_verbose) for one in shown)]
    if hidden := sum(len(one.candidates) for one in answer.answers[len(shown) :]):
        ways = "1 further way has" if hidden == 1 else f"{hidden} further ways have"
        blocks.append([f"{ways} as much or more against it; all with --verbose"])
    return "".join(f"{escape(line)}\n" for block in blocks for line in ("", *block))[1:]


def _headline(answer: WhyNot) -> list[str]:
    taken = "refused" if answer.chosen is None else format_way(answer.chosen)
    return [f"{answer.job} at site {answer.site}: {taken}"]


def _block(rejected: Rejected, answer: WhyNot, is_verbose: bool) -> list[str]:
    lines = [f"{_named(rejected.candidates)}: {_verdict(rejected, answer)}"]
    for reason in rejected.objections:
        lines.append(f"  {reason.code}: {reason.message}")
        shown = reason.evidence if is_verbose else reason.evidence[:_EVIDENCE]
        lines += [f"    found: {line}" for line in shown]
        lines += [f"    rule: {reason.table_row}"] if is_verbose and reason.table_row else []
    return [*lines, *_ways_out(rejected)]


def _verdict(rejected: Rejected, answer: WhyNot) -> str:
    if rejected.objections:
        return f"not taken, {rejected.candidates[0].verdict}"
    if answer.chosen in rejected.candidates:
        return "this is the one that is taken"
    if not rejected.is_wished:
        return "would work, but the job asks for another way (`mpi`, `execution`)"
    return _PREFERENCE


def _ways_out(rejected: Rejected) -> Iterator[str]:
    if not rejected.objections:
        return
    ways = [_way(way) for way in rejected.would_work_if]
    if ways:
        yield "  would work if"
        yield from (f"    {'or ' if index else ''}{way}" for index, way in enumerate(ways))
    if rejected.neighbours:
        yield f"  works as it is: {_named(rejected.neighbours)}"
    if not ways and not rejected.neighbours:
        yield "  nothing was found that would make it work, of up to three changes at once"


def _way(changes: tuple[ChangedFact, ...]) -> str:
    return ", and ".join(f"{change.text} ({change.role})" for change in changes)


def _named(candidates: tuple[Candidate, ...]) -> str:
    names = list(dict.fromkeys(format_way(candidate) for candidate in candidates))
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
