"""The imports that stand literally in Python source; does not parse or run it.

Python's own parser can be brought to its knees by hostile source, so lines are matched instead.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

SOURCE_MAX = 1 << 20
_IMPORTS_MAX = 2000
_TEXT = re.compile(r"(\"\"\"|''')(?:(?!\1).)*+\1", re.DOTALL)
_NAME = r"[A-Za-z_][\w.]*"
_IMPORT = re.compile(rf"(?m)^(?P<indent>[ \t]*)import[ \t]++(?P<names>{_NAME}[^\n;#]*)")
_FROM = re.compile(
    rf"(?m)^(?P<indent>[ \t]*)from[ \t]++(?P<module>\.*+(?:{_NAME})?)[ \t]++import\b[ \t]*+"
    r"(?P<names>\([^)]{0,4000}\)|[^\n;#]*)"
)
_DYNAMIC = re.compile(
    r"\b(?:importlib|__import__|runpy|ctypes|cffi|subprocess|exec\s*\(|eval\s*\("
    r"|os\s*\.\s*(?:system|popen|exec\w+|spawn\w+|posix_spawn\w*))"
)


class Import(NamedTuple):
    """One module that source asks for."""

    module: str
    """With leading dots where it is relative."""
    names: tuple[str, ...]
    """What is taken out of it; such a name may be a module too."""
    line: int
    is_certain: bool
    """Whether it stands at the left margin, so that it is met whenever the source is run."""


def read_imports(source: str) -> Iterator[Import]:
    """Yield the imports of a source text."""
    # The number of lines stays: a text over several lines is replaced by as many empty ones.
    text = _TEXT.sub(lambda match: '""' + "\n" * match[0].count("\n"), source[:SOURCE_MAX])
    ends = [match.start() for match in re.finditer("\n", text)]
    found = [*islice(_plain(text, ends), _IMPORTS_MAX), *islice(_from(text, ends), _IMPORTS_MAX)]
    yield from sorted(found, key=lambda each: each.line)


def find_dynamic(source: str) -> str | None:
    """Return the first word by which source may load or run what it does not name."""
    match = _DYNAMIC.search(source[:SOURCE_MAX])
    return match[0].rstrip("( ") if match else None


def _plain(text: str, ends: Sequence[int]) -> Iterator[Import]:
    for match in _IMPORT.finditer(text):
        line = bisect_left(ends, match.start()) + 1
        for item in match["names"].split(","):
            words = item.split()
            if words and re.fullmatch(_NAME, words[0]):
                yield Import(words[0], (), line, not match["indent"])


def _from(text: str, ends: Sequence[int]) -> Iterator[Import]:
    for match in _FROM.finditer(text):
        line = bisect_left(ends, match.start()) + 1
        bare = re.sub(r"#[^\n]*", "", match["names"]).strip("()")
        words = (item.split() for item in re.split(r"[,\n]", bare))
        names = tuple(word[0] for word in words if word and re.fullmatch(_NAME, word[0]))
        if match["module"]:
            yield Import(match["module"], names, line, not match["indent"])
