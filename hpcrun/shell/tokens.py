"""The words and operators of a shell script, with their lines; runs and expands nothing."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

_NESTING_MAX = 2
_HEREDOC = re.compile(r"<<(?P<tabs>-?)[ \t]*(?P<quote>['\"\\]?)(?P<end>[A-Za-z_][\w.-]*)['\"]?")


class Token(NamedTuple):
    """One word or operator; a gap says why nothing behind it can be read."""

    kind: Literal["word", "operator", "gap"]
    text: str
    line: int


# Possessive throughout, as a stranger's script may be made to be slow.
_PLAIN_QUOTE = r"'[^']*+'"
_OLD = r"`[^`]*+`"
_BRACED = r"\$\{(?:[^{}`]|\{[^{}`]*+\})*+\}"


def _inside(depth: int) -> str:
    """Match what may stand between parentheses."""
    parts = [r"[^()'\"\\`$]", r"\\.", _PLAIN_QUOTE, _OLD, _BRACED, r"\$(?![({])"]
    if depth:
        parts += [_quoted(depth - 1), rf"\$?\((?:{_inside(depth - 1)})*+\)"]
    return "|".join(parts)


def _quoted(depth: int) -> str:
    """Match a text between double quotes."""
    substitution = rf"\$\((?:{_inside(depth)})*+\)"
    return rf"\"(?:[^\"\\`$]|\\.|{_OLD}|{_BRACED}|{substitution}|\$(?![({{]))*+\""


_SUBSTITUTION = rf"\$\((?:{_inside(_NESTING_MAX)})*+\)"
_QUOTED = _quoted(_NESTING_MAX)
_WORD = (
    rf"{_SUBSTITUTION}|{_BRACED}|{_PLAIN_QUOTE}|{_QUOTED}|{_OLD}"
    rf"|(?<==)\((?:{_inside(1)})*+\)|\$(?![({{])|\\[^\n]|[^\s;|&<>()'\"`$\\]"
)
_TOKEN = re.compile(
    r"(?P<space>(?:[ \t\r\f\v]|\\\n)++)|(?P<comment>\#[^\n]*+)"
    rf"|(?P<redirect>[0-9]*+(?:<<<|&>>|>>|>\||>&|<&|&>|<>|>|<(?!<))[ \t]*+&?(?:{_WORD})++)"
    r"|(?P<arithmetic>\(\((?:[^()\n]|\([^()\n]*+\))*+\)\))"
    r"|(?P<operator>&&|\|\||;;&|;;|;&|\|&|[;|&()\n])"
    rf"|(?P<word>(?:{_WORD})++(?:(?:\\\n)++(?:{_WORD})++)*+)",
    re.DOTALL,
)
SEGMENT = re.compile(
    rf"(?P<plain>{_PLAIN_QUOTE})|(?P<quoted>{_QUOTED})|(?P<substitution>{_SUBSTITUTION})|(?P<old>{_OLD})"
    rf"|(?P<braced>{_BRACED})|\\(?P<escaped>.)|(?P<reference>\$(?:\w+|[@*#?$!-]))|(?P<text>[^'\"`$\\]++|.)",
    re.DOTALL,
)
"""Parts of a word."""
SEGMENT_IN_QUOTES = re.compile(
    rf"(?P<substitution>{_SUBSTITUTION})|(?P<old>{_OLD})|(?P<braced>{_BRACED})|\\(?P<escaped>[$`\"\\])|\\\n"
    r"|(?P<reference>\$(?:\w+|[@*#?$!-]))|(?P<text>[^`$\\]++|.)",
    re.DOTALL,
)


def read_tokens(text: str, line: int = 1) -> Iterator[Token]:
    """Yield words and operators; `((…))` is one word, redirections and comments are left out."""
    at = 0
    heredocs: list[tuple[str, bool]] = []
    while at < len(text):
        start = _HEREDOC.match(text, at) if text.startswith("<<", at) else None
        match = start or _TOKEN.match(text, at)
        if match is None:
            rest = text[at : at + 200].partition("\n")[0].strip()
            yield Token("gap", f"`{rest[:60]}` is more than a literal command", line)
            return
        at = match.end()
        if start is not None:
            heredocs.append((start["end"], bool(start["tabs"])))
            continue
        yield from _token(match, line)
        line += match[0].count("\n")
        if match[0] == "\n" and heredocs:
            skipped = _end_of(text, at, heredocs)
            line += text.count("\n", at, skipped)
            at, heredocs = skipped, []


def _token(match: re.Match[str], line: int) -> Iterator[Token]:
    if match["operator"]:
        yield Token("operator", match[0], line)
    elif match["word"] or match["arithmetic"]:
        yield Token("word", match[0], line)


def _end_of(text: str, at: int, heredocs: list[tuple[str, bool]]) -> int:
    """Return where the texts end that stand behind a line with `<<WORD`."""
    for end, has_tabs in heredocs:
        is_open = True
        while is_open and at < len(text):
            stop = text.find("\n", at)
            stop = stop if stop >= 0 else len(text)
            line = text[at:stop]
            is_open = (line.lstrip("\t") if has_tabs else line) != end
            at = min(stop + 1, len(text))
    return at


def substitutions(word: str) -> Iterator[str]:
    """Yield the commands that a word runs while it is expanded: `$(…)`, backticks."""
    for match in SEGMENT.finditer(word):
        if match["quoted"]:
            inner = SEGMENT_IN_QUOTES.finditer(match["quoted"][1:-1])
            yield from (text for each in inner if (text := _substituted(each)))
        elif text := _substituted(match):
            yield text


def _substituted(match: re.Match[str]) -> str:
    if match["old"]:
        return match["old"][1:-1]
    text = match["substitution"] or ""
    return "" if text.startswith("$((") else text[2:-1]
