"""Node lists in Slurm's form (`n[1-3,7],login`); does not ask Slurm.

Written in Python, because `scontrol show hostnames` is not at hand where a record is read.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import product

from hpcrun.errors import InputError

MAX_NODES = 65_536
"""More than any cluster has; a hostile list such as `n[1-999999999]` stops here."""

_MAX_TEXT = 1_048_576
_RANGE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")
_NAME_PART = re.compile(r"[A-Za-z0-9._-]*")


def expand_hostlist(text: str, *, limit: int = MAX_NODES) -> tuple[str, ...]:
    """Give all node names of a list, in its order."""
    if len(text) > _MAX_TEXT:
        raise InputError(f"node list is longer than {_MAX_TEXT} characters")
    names: list[str] = []
    for item in _items(text):
        for name in _expand_item(item, limit=limit):
            names.append(name)
            if len(names) > limit:
                raise InputError(f"node list `{text[:40]}` names more than {limit} nodes")
    return tuple(names)


def _items(text: str) -> Iterator[str]:
    """Split at the commas outside brackets."""
    if not text:
        return
    start = 0
    is_inside = False
    for index, letter in enumerate(text):
        if letter in "[]":
            if is_inside is (letter == "["):
                raise _malformed(text)
            is_inside = not is_inside
        elif letter == "," and not is_inside:
            yield text[start:index]
            start = index + 1
    if is_inside:
        raise _malformed(text)
    yield text[start:]


def _expand_item(item: str, *, limit: int) -> Iterator[str]:
    pieces = re.split(r"\[([^\]]*)\]", item)
    names, brackets = pieces[::2], pieces[1::2]
    if not item or not all(_NAME_PART.fullmatch(name) for name in names):
        raise _malformed(item)
    choices: list[tuple[str, ...]] = [(names[0],)]
    n_names = 1
    for bracket, name in zip(brackets, names[1:], strict=True):
        numbers = _expand_bracket(bracket, limit=limit)
        choices += [numbers, (name,)]
        n_names *= len(numbers)
        if n_names > limit:
            raise InputError(f"node list `{item[:40]}` names more than {limit} nodes")
    return ("".join(parts) for parts in product(*choices))


def _expand_bracket(bracket: str, *, limit: int) -> tuple[str, ...]:
    numbers: list[str] = []
    for part in bracket.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise _malformed(f"[{bracket}]")
        first, last = match[1], match[2] or match[1]
        count = int(last) - int(first) + 1
        if count < 1:
            raise _malformed(f"[{bracket}]")
        if len(numbers) + count > limit:
            raise InputError(f"node list `[{bracket[:40]}]` names more than {limit} nodes")
        numbers += [f"{n:0{len(first)}}" for n in range(int(first), int(last) + 1)]
    return tuple(numbers)


def fold_hostlist(names: Iterable[str]) -> str:
    """Write names that differ in their last number with one bracket, as Slurm does.

    Order and repetitions are kept: only neighbours are folded, so that expanding gives the names
    back.
    """
    groups: list[tuple[str, list[str], str]] = []
    for name in names:
        prefix, number, suffix = _split(name)
        if number and groups and groups[-1][1] and groups[-1][::2] == (prefix, suffix):
            groups[-1][1].append(number)
        else:
            groups.append((prefix, [number] if number else [], suffix))
    return ",".join(_fold_group(*group) for group in groups)


def _split(name: str) -> tuple[str, str, str]:
    """Split a name before and after its last number; a number too long to count is none."""
    if not name or not _NAME_PART.fullmatch(name):
        raise _malformed(name)
    match = re.fullmatch(r"(.*?)([0-9]+)([^0-9]*)", name)
    if match is None or len(match[2]) > 18:  # noqa: PLR2004 (what _RANGE reads)
        return name, "", ""
    return match[1], match[2], match[3]


def _fold_group(prefix: str, numbers: list[str], suffix: str) -> str:
    if len(numbers) <= 1:
        return prefix + "".join(numbers) + suffix
    ranges: list[tuple[str, str]] = []
    for number in numbers:
        if ranges and _follows(ranges[-1], number):
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    inside = ",".join(first if first == last else f"{first}-{last}" for first, last in ranges)
    return f"{prefix}[{inside}]{suffix}"


def _follows(range_: tuple[str, str], number: str) -> bool:
    """Whether a range can go on with a number and expand to the same text."""
    first, last = range_
    return number == f"{int(last) + 1:0{len(first)}}"


def _malformed(text: str) -> InputError:
    return InputError(
        f"`{text[:40]}` is not a node list", help=["Slurm's form is `n[1-3,7],login`"]
    )
