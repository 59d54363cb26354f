"""The words on a script's #SBATCH lines, as sbatch reads them; does not know the options.

sbatch has a small parser of its own for them (get_argument in src/sbatch/opt.c, Slurm 24.11):
quotes group, a backslash escapes the next character also between single quotes, `#` outside quotes
ends the line, and nothing is expanded. The first line that is neither empty nor a comment ends it.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from hpcrun.loading.source import Source
from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.sbatch.places import Word, finding

_MAGIC = "#SBATCH"
_BLANKS = " \t\f\v\r"
_NEARLY = re.compile(r"(?:\s+#\s*SBATCH|#\s+SBATCH|#[Ss][Bb][Aa][Tt][Cc][Hh]|##SBATCH)\s+-")
_WORDS_MAX = 500
_VARIABLE = re.compile(r"\$(?:\{?[A-Za-z_]\w*\}?|\()|`")


class Header(NamedTuple):
    """What sbatch reads of a script."""

    words: tuple[Word, ...]
    found: tuple[Diagnostic, ...]
    end: int
    """The line of the first command; one behind the last where there is none."""


def read_header(source: Source) -> Header:
    """Read all #SBATCH lines, those too that come too late."""
    words: list[Word] = []
    found: list[Diagnostic] = []
    end = len(source.lines) + 1
    for number, line in enumerate(source.lines, 1):
        if line.startswith(_MAGIC):
            if number > end:
                found.append(_late(source, number, end))
                continue
            try:
                words += _words(source, number, line)
            except _FaultError as fault:
                found.append(_fault(source, number, fault))
        elif _NEARLY.match(line) and line[:2] != "##":
            found.append(_nearly(source, number))
        elif line.strip() and not line.lstrip().startswith("#"):
            end = min(end, number)
    words = words[:_WORDS_MAX]
    found += (each for word in words if (each := _unexpanded(word)) is not None)
    return Header(tuple(words), tuple(found), end)


class _FaultError(Exception):
    """sbatch stops at this line."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


def _words(source: Source, number: int, line: str) -> Iterator[Word]:
    at = len(_MAGIC)
    while True:
        while line[at : at + 1] and line[at] in _BLANKS:
            at += 1
        if line[at : at + 1] == ":":
            raise _FaultError("a word on an #SBATCH line cannot begin with `:`", at + 1)
        if not line[at:] or line[at] == "#":
            return
        text, end = _word(line, at)
        yield Word(text, source.span(number, at + 1, end - at))
        at = end


def _word(line: str, at: int) -> tuple[str, int]:
    """Read one word; return what it says and where it ends."""
    text, quote, start = "", "", at
    while at < len(line) and (quote or line[at] not in _BLANKS):
        letter = line[at]
        if letter == "\\":
            text += line[at + 1 : at + 2]
            at += 2
            continue
        if letter == quote:
            quote = ""
        elif not quote and letter in "\"'":
            quote = letter
        elif not quote and letter == "#":
            break
        else:
            text += letter
        at += 1
    if quote:
        raise _FaultError(f"the {quote} of an #SBATCH line is not closed", start + 1)
    return text, min(at, len(line))


def _fault(source: Source, number: int, fault: _FaultError) -> Diagnostic:
    span = source.span(number, fault.column, 1)
    return finding("HPR822", fault.message, span, found=("sbatch stops at this line",))


def _late(source: Source, number: int, end: int) -> Diagnostic:
    span = source.span(number, 1, len(source.lines[number - 1].rstrip()))
    first = source.lines[end - 1].strip()
    found = (f"the first command is `{first[:60]}` in line {end}",)
    message = "sbatch takes no notice of an #SBATCH line behind the first command"
    return finding("HPR821", message, span, found=found)


def _nearly(source: Source, number: int) -> Diagnostic:
    line = source.lines[number - 1].rstrip()
    start = len(line) - len(line.lstrip())
    message = "sbatch takes this line for a comment, not for an #SBATCH line"
    found = ("a line counts only where it begins with `#SBATCH` in capitals",)
    return finding(
        "HPR821", message, source.span(number, start + 1, len(line) - start), found=found
    )


def _unexpanded(word: Word) -> Diagnostic | None:
    match = _VARIABLE.search(word.text)
    if match is None:
        return None
    message = f"`{match[0]}` on an #SBATCH line stands for itself: no shell reads it"
    found = (f"the word is `{word.text[:80]}`",)
    return finding("HPR823", message, word.span, found=found, severity=Severity.WARNING)
