"""Places in a script, and diagnostics that name one; does not read the script."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from hpcrun.loading.source import Source, Span
from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.planner import diagnose

_STATEMENT_MAX = 60
"""Lines that one command may go over."""
_LOOKED_AT_MAX = 20_000_000
"""Characters."""


class Word(NamedTuple):
    """A word and where it stands."""

    text: str
    span: Span


def beside(source: Source, path: str) -> str:
    """Return a path as a job file beside the script would write it."""
    own = os.path.abspath(source.path.parent)  # noqa: PTH100  links stay as they are
    inner = os.path.relpath(path, own)
    return path if inner.startswith("..") else inner


def line_span(source: Source, line: int) -> Span:
    """Give a whole line, without the blanks around it."""
    shown = source.lines[line - 1] if line <= len(source.lines) else ""
    start = len(shown) - len(shown.lstrip())
    return source.span(line, start + 1, max(len(shown.strip()), 1))


class Placer:
    """Finds words of commands in a script, as long as that is not made to cost too much."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._n_left = _LOOKED_AT_MAX

    def place(self, line: int, texts: Sequence[str]) -> tuple[Word, ...]:
        """Find the words of the command that begins in some line, one behind the other.

        What a variable came to does not stand there: its place is the command's first line.
        """
        source = self._source
        number, column, last = line, 0, _last_line(source, line)
        words = []
        for text in texts:
            found = self._find(text, number, column, last)
            if found is not None:
                number, column = found.line, found.column - 1 + len(text)
            words.append(Word(text, found or line_span(source, line)))
        return tuple(words)

    def _find(self, text: str, number: int, column: int, last: int) -> Span | None:
        lines = self._source.lines
        for at in range(number, min(last, len(lines)) + 1) if text and self._n_left > 0 else ():
            self._n_left -= len(lines[at - 1])
            start = lines[at - 1].find(text, column if at == number else 0)
            if start >= 0:
                return self._source.span(at, start + 1, len(text))
        return None


def _last_line(source: Source, line: int) -> int:
    """Return the line in which a command ends that goes on behind a backslash."""
    last = line
    while source.lines[last - 1 : last] and source.lines[last - 1].endswith("\\"):
        last += 1
        if last - line > _STATEMENT_MAX:
            break
    return last


def finding(  # noqa: PLR0913  all that a diagnostic is made of
    code: str,
    message: str,
    span: Span,
    *,
    found: Sequence[str] = (),
    severity: Severity | None = None,
    table_row: str | None = None,
    notes: Sequence[str] = (),
) -> Diagnostic:
    """Build a diagnostic at its place in the script."""
    made = diagnose(code, message, found=found, severity=severity, table_row=table_row)
    return made.model_copy(update={"location": span.location, "notes": tuple(notes)})
