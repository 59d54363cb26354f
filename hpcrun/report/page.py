"""A page for people: titled sections that together fit a screen; does not know what they say.

Where all would be too long, the longest sections are cut, each saying how much it leaves out; what
is short stays whole.
"""

import textwrap
from collections.abc import Iterable
from typing import NamedTuple

from hpcrun.report.terminal import escape

WIDTH = 100
PAGE_LINES = 60
LINES_PER_SECTION = 12
_LINES_PER_ITEM = 4
"""Screen lines that one line of a section may take where it is wrapped."""


class Section(NamedTuple):
    """One part of a page; without lines it does not appear."""

    title: str
    lines: tuple[str, ...]
    at_most: int = LINES_PER_SECTION
    """Lines to show even where there is room for more."""


def section(title: str, lines: Iterable[str], *, at_most: int = LINES_PER_SECTION) -> Section:
    """Return a section of a page."""
    return Section(title, tuple(lines), at_most)


def pair(name: str, value: str) -> str:
    """Return a line that gives a name's value, all values in one column."""
    return f"{name:<13} {value}"


def format_page(title: str, sections: Iterable[Section]) -> str:
    """Lay the sections out below a title, in order, on at most `PAGE_LINES` lines."""
    kept = [part for part in sections if part.lines]
    head = _wrapped(title)
    limits = [min(len(part.lines), part.at_most) for part in kept]
    blocks = [_laid_out(part, limit) for part, limit in zip(kept, limits, strict=True)]
    while len(head) + sum(map(len, blocks)) > PAGE_LINES and max(limits, default=1) > 1:
        longest = max(range(len(kept)), key=lambda index: (limits[index] > 1, len(blocks[index])))
        limits[longest] -= 1
        blocks[longest] = _laid_out(kept[longest], limits[longest])
    lines = [*head, *(line for block in blocks for line in block)]
    return "".join(f"{line}\n" for line in lines[:PAGE_LINES])


def _laid_out(part: Section, limit: int) -> list[str]:
    n_more = len(part.lines) - limit
    rest = [f"  {n_more} further; all with --json"] if n_more > 0 else []
    head = ["", *_wrapped(part.title)] if part.title else []
    shown = (line for text in part.lines[:limit] for line in _wrapped(f"  {text}"))
    return [*head, *shown, *rest]


def _wrapped(text: str) -> list[str]:
    line = escape(text)
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    lines = textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]
    if len(lines) > _LINES_PER_ITEM:
        del lines[_LINES_PER_ITEM:]
        lines[-1] = lines[-1][: WIDTH - 2] + " …"
    return lines


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
