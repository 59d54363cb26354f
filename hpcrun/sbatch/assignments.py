"""Where a script sets its variables; does not work out to what."""

import re
from bisect import bisect_right
from functools import lru_cache

from hpcrun.loading.source import Source, Span

_SETTING = re.compile(r"(?<![A-Za-z0-9_$])([A-Za-z_]\w*)\+?=")
_LINE_MAX = 4096


def set_before(source: Source, name: str, line: int) -> Span | None:
    """Find the last place up to a line where a variable is set."""
    places = _places(source.text).get(name, ())
    at = bisect_right(places, (line, _LINE_MAX))
    if not at:
        return None
    number, column = places[at - 1]
    return source.span(number, column + 1, len(name))


@lru_cache(maxsize=2)
def _places(text: str) -> dict[str, list[tuple[int, int]]]:
    """Return every place by the name that is set there, in order."""
    places: dict[str, list[tuple[int, int]]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.lstrip().startswith("#"):
            for match in _SETTING.finditer(line[:_LINE_MAX]):
                places.setdefault(match[1], []).append((number, match.start()))
    return places
