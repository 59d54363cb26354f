"""Text that is safe and readable on a terminal; does not print."""

import codecs
import re
import unicodedata
from collections.abc import Mapping
from typing import Protocol

_STYLES = {"error": "1;31", "warning": "1;33", "note": "1;36", "strong": "1", "faint": "34"}

# What programs write to be seen on a terminal and that changes no more than the line they are on:
# colours, and erasing that line (ECMA-48, SGR and EL). An unfinished one waits for its end.
_HARMLESS = re.compile(r"(\x1b\[[0-9;:]{0,32}m|\x1b\[[0-2]?K|[\n\r\t\b])")
_UNFINISHED = re.compile(r"\x1b(\[[0-9;:]{0,32})?\Z")


class Stream(Protocol):
    """A stream that knows whether a person reads it."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""


def wants_colour(stream: Stream, environment: Mapping[str, str]) -> bool:
    """Tell whether to colour: on a terminal, unless NO_COLOR or TERM=dumb says otherwise."""
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return stream.isatty()


def escape(text: str) -> str:
    """Replace what a terminal would obey, or show as nothing, by what a person can read.

    Foreign text (an image's strings, a YAML file) could otherwise rewrite what is on the screen.
    Python calls printable what is no control, format, surrogate, private or unassigned character,
    and no separator but the space.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape", "backslashreplace").decode("ascii")


def width(text: str) -> int:
    """Count the columns that text takes on a terminal."""
    return sum(_letter_width(letter) for letter in text)


def _letter_width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def styled(text: str, style: str, *, colour: bool) -> str:
    """Colour text; what it means stands in its words too."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if colour else text


class SafeOutput:
    """A program's output, piece by piece, without what would do more than show text."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def text_of(self, piece: bytes, *, is_last: bool = False) -> str:
        """Return what may be shown of the output so far and was not yet."""
        text = self._rest + self._decoder.decode(piece, is_last)
        unfinished = None if is_last else _UNFINISHED.search(text)
        end = unfinished.start() if unfinished else len(text)
        self._rest = text[end:]
        parts = _HARMLESS.split(text[:end])
        # The odd ones are what was split at.
        return "".join(part if i % 2 else escape(part) for i, part in enumerate(parts))
