"""The text of an sbatch script, from bytes that anybody may have written; does not read it."""

from collections.abc import Iterator
from pathlib import Path

from hpcrun.loading.source import Source, read_bytes
from hpcrun.model.diagnostic import Diagnostic
from hpcrun.sbatch.places import finding

_LINES_MAX = 5000


def read_script_source(path: Path) -> Source:
    """Read a script; bytes that are no text are shown as such, they stand in comments mostly."""
    text = read_bytes(path).decode("utf-8", "replace").replace("\0", "\ufffd")
    lines = text.split("\n", _LINES_MAX)[:_LINES_MAX]
    return Source(path, str(path), "\n".join(lines), tuple(line.rstrip("\r") for line in lines))


def check_source(source: Source) -> Iterator[Diagnostic]:
    """Report what sbatch itself turns down before it reads on (24.11, src/sbatch/sbatch.c)."""
    first = source.lines[0] if source.lines else ""
    if not first.startswith("#!"):
        message = "sbatch wants a first line with `#!` and the path of an interpreter"
        shown = f"the first line is `{first[:60]}`" if first else "the first line is empty"
        yield finding("HPR822", message, source.span(1, 1, max(len(first), 1)), found=(shown,))
    at = source.text.find("\r\n")
    if at >= 0:
        line = source.text.count("\n", 0, at) + 1
        column = len(source.lines[line - 1]) + 1
        message = "the script has DOS line ends, which sbatch does not take"
        span = source.span(line, column, 1)
        yield finding("HPR822", message, span, found=(f"line {line} ends in CR LF",))


def without_line_ends(source: Source) -> Source:
    """Give the script as it would be with Unix line ends."""
    return source._replace(text=source.text.replace("\r\n", "\n"))
