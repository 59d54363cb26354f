"""What would have to change for a candidate to work, by judging it again; proposes no text."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from hpcrun.model.verdict import Answer
from hpcrun.planner.candidates import Shape
from hpcrun.planner.changes import Change, changes_for
from hpcrun.planner.judge import Judge
from hpcrun.planner.question import Question

_MOST_CHANGES = 3
_MOST_WAYS = 6


class Way(NamedTuple):
    """Changes that together would make a candidate work, none of which can be left out."""

    changes: tuple[Change, ...]


def what_if(question: Question, shape: Shape) -> tuple[Way, ...]:
    """Return the smallest sets of changes with which the engine calls the candidate compatible.

    All of them are of the same size; none is returned where three changes do not do.
    """
    changes = [c for c in changes_for(question, shape) if c.apply(question) != question]
    for size in range(1, _MOST_CHANGES + 1):
        if ways := list(_ways(question, shape, changes, size)):
            return tuple(_joined(ways)[:_MOST_WAYS])
    return ()


def _ways(question: Question, shape: Shape, changes: Sequence[Change], size: int) -> Iterator[Way]:
    for chosen in combinations(changes, size):
        if len({change.kind for change in chosen}) < size:
            continue
        changed = question
        for change in chosen:
            changed = change.apply(changed)
        if Judge(changed).judge(shape).forecast.answer is Answer.COMPATIBLE:
            yield Way(chosen)


def _joined(ways: Sequence[Way]) -> list[Way]:
    """Say once what differs in one value only: from which value on, and up to which."""
    groups: dict[tuple[tuple[str, str], ...], list[Way]] = {}
    for way in ways:
        key = tuple((change.kind, change.text) for change in way.changes)
        groups.setdefault(key, []).append(way)
    return [_ranged(group) for group in groups.values()]


def _ranged(group: Sequence[Way]) -> Way:
    def ranged(index: int) -> Change:
        every = [way.changes[index] for way in group]
        first, last = every[0], every[-1]
        values = " to ".join(dict.fromkeys((first.value, last.value)))
        if last.is_open:
            values = f"{first.value} or newer"
        # No format string: names of stacks and libraries in the text may hold braces.
        return first._replace(text=first.text.replace("{value}", values), value=values)

    return Way(tuple(ranged(index) for index in range(len(group[0].changes))))
