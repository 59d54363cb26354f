"""What the words of a shell script come to, as far as they are literal; runs nothing."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hpcrun.shell.tokens import SEGMENT, SEGMENT_IN_QUOTES, read_tokens
from hpcrun.shell.work import Work

UNKNOWN_WORD = "\0"
"""Stands for what a word comes to at run time, where that cannot be read."""
OWN_FOLDER = "\1"
"""Stands for the script's own folder while the text is read."""
ARRAY = "\2"
"""Stands in front of each word of an array, in its value."""
_ARRAY = re.compile(r"(\"?)\$\{(\w+)\[@\]\}\1")
SETTING = re.compile(r"([A-Za-z_]\w*)(\+?)=(.*)", re.DOTALL)
WORD_MAX = 4096
WORDS_MAX = 400
"""Words of one command, and settings in front of it."""
_BRACED = re.compile(r"\$\{(\w+|[@*])(?::-([^$`{}'\"\\*?\[]*))?\}")
_ALL = frozenset(('"$@"', "$@", "$*", '"${@}"', "${@}", '${1+"$@"}'))
_BLANKS = " \t\n"
_QUOTES = ("'", '"')
_HOME = re.compile(r"((?:[A-Za-z_]\w*+=)?)~([^/]*+)")
"""Bash also looks for `~` behind the name in words that look like settings."""


class Known(NamedTuple):
    """What a script's words are made of."""

    name: str
    """What `$0` is."""
    args: tuple[str, ...] | None
    variables: Mapping[str, str]
    work: Work
    is_moved: bool = False
    """Whether the script has gone to another folder than the one where it began."""

    def value(self, name: str) -> str:
        """Return a variable's value, or that of an argument."""
        return _short(self._value(name))

    def _value(self, name: str) -> str:
        if name == "0":
            return self.name
        if name.isdecimal():
            if self.args is None:
                return UNKNOWN_WORD
            at = int(name[:4]) - 1
            return self.args[at] if at < len(self.args) else ""
        if name in ("@", "*") and self.args is not None and len(self.args) <= 1:
            return " ".join(self.args)
        value = self.variables.get(name, UNKNOWN_WORD)
        return value if not value.startswith(ARRAY) else value[1:].partition(ARRAY)[0]

    def elements(self, name: str) -> list[str]:
        """Return what an array holds; a plain variable is one of a single word."""
        value = self.variables.get(name, UNKNOWN_WORD)
        if not value.startswith(ARRAY):
            return [value]
        return value[1:].split(ARRAY) if len(value) > 1 else []


def expand_all(known: Known, raw_words: Sequence[str]) -> list[str]:
    """Return the words of a command; where there are too many, the last stands for the rest."""
    return [word for word, _ in expand_each(known, raw_words)]


def expand_each(known: Known, raw_words: Sequence[str]) -> list[tuple[str, str]]:
    """Return the words of a command, each with what stands for it alone in the script, if any."""
    words: list[tuple[str, str]] = []
    for raw in raw_words:
        expanded = expand(known, raw)
        words += [(word, raw if len(expanded) == 1 else "") for word in expanded]
        if len(words) > WORDS_MAX:
            return [*words[:WORDS_MAX], (UNKNOWN_WORD, "")]
    return words


def expand(known: Known, raw: str) -> list[str]:
    """Return the words that a word comes to: none, one or several."""
    words = _expand(known, raw)
    known.work.spend(len(raw) + len(words) + sum(map(len, words)) // 16)
    return words


def _expand(known: Known, raw: str) -> list[str]:
    if raw in _ALL:
        return list(known.args) if known.args is not None else [UNKNOWN_WORD]
    if (array := _ARRAY.fullmatch(raw)) is not None:
        words = known.elements(array[2])
        return words if array[1] else _split_all(known, words)
    home, raw = _home(known, raw)
    fields, is_quoted = [home], False
    for match in SEGMENT.finditer(raw):
        if match["plain"] or match["quoted"] or match["escaped"]:
            is_quoted = True
            fields[-1] += _quoted(known, match)
            continue
        text = _unquoted(known, match)
        if match["text"] is None and any(blank in text for blank in _BLANKS):
            if "IFS" in known.variables:
                return [UNKNOWN_WORD]
            first, *rest = _split(text)
            fields[-1] += first
            fields += rest
        else:
            fields[-1] += text
        if len(fields[-1]) > WORD_MAX or len(fields) > WORDS_MAX:
            return [UNKNOWN_WORD]
    words = [field for field in fields if field]
    return words or ([""] if is_quoted else [])


def _split_all(known: Known, words: Sequence[str]) -> list[str]:
    """Return what a shell makes of an array's words that stand in no quotes."""
    text = "".join(words)
    if "IFS" in known.variables and any(blank in text for blank in _BLANKS):
        return [UNKNOWN_WORD]
    return [UNKNOWN_WORD] if set("*?[") & set(text) else [w for each in words for w in each.split()]


def expand_value(known: Known, raw: str) -> str:
    """Return what a variable is set to: the words are not split."""
    if raw.startswith("("):
        return _array(known, raw)
    if raw in _ALL:
        return UNKNOWN_WORD
    known.work.spend(len(raw))
    text, raw = _home(known, raw)
    for match in SEGMENT.finditer(raw):
        is_in_quotes = match["plain"] or match["quoted"] or match["escaped"]
        text += _quoted(known, match) if is_in_quotes else _unquoted(known, match)
        if len(text) > WORD_MAX:
            return UNKNOWN_WORD
    return text if ARRAY not in text else UNKNOWN_WORD


def _home(known: Known, raw: str) -> tuple[str, str]:
    """Return what `~` in front of a word comes to, and the rest of the word."""
    if (found := _HOME.match(raw)) is None:
        return "", raw
    return found[1] + (UNKNOWN_WORD if found[2] else known.value("HOME")), raw[found.end() :]


def _array(known: Known, raw: str) -> str:
    """Return an array's value: a mark in front of each word."""
    value = ""
    for token in read_tokens(raw[1:-1]):
        if token.text == "\n":
            continue
        if token.kind != "word" or is_pattern(token.text) or token.text.startswith("["):
            return UNKNOWN_WORD
        words = expand(known, token.text)
        value += "".join(ARRAY + word for word in words)
        if len(value) > WORD_MAX or any(ARRAY in word for word in words):
            return UNKNOWN_WORD
    return value or ARRAY


def set_value(known: Known, setting: re.Match[str]) -> str:
    """Return what a setting makes of its variable."""
    value = expand_value(known, setting[3])
    if not setting[2]:
        return value
    before = known.variables.get(setting[1], UNKNOWN_WORD)
    if before.startswith(ARRAY) != value.startswith(ARRAY):
        # The one would go to the array's first element, the other begin an array.
        return UNKNOWN_WORD
    return _short((before + value).replace(ARRAY * 2, ARRAY))


def _short(value: str) -> str:
    return value if len(value) <= WORD_MAX else UNKNOWN_WORD


def is_pattern(raw: str) -> bool:
    """Whether a word may come to the names of files."""
    return any(
        match["text"] is not None and any(mark in match["text"] for mark in "*?[{~")
        for match in SEGMENT.finditer(raw)
    )


def unquoted(raw: str, expanded: str) -> str:
    """Return of a word what a shell would look through for patterns: what stands in no quotes."""
    parts = list[str]()
    for match in SEGMENT.finditer(raw):
        parts.append(expanded if match["reference"] or match["braced"] else match["text"] or "")
    return "".join(parts)


def _split(text: str) -> list[str]:
    """Split a value at its blanks; an empty field stands where a blank is at either end."""
    fields = text.split(None, WORDS_MAX)
    if text[:1] in _BLANKS:
        fields.insert(0, "")
    if text[-1:] in _BLANKS and text[-1:]:
        fields.append("")
    return fields or ["", ""]


def _quoted(known: Known, match: re.Match[str]) -> str:
    if match["escaped"]:
        return match["escaped"] if match["escaped"] != "\n" else ""
    if match["plain"]:
        return match["plain"][1:-1]
    text = ""
    for each in SEGMENT_IN_QUOTES.finditer(match["quoted"][1:-1]):
        text += each["escaped"] or _unquoted(known, each)
        if len(text) > WORD_MAX:
            return UNKNOWN_WORD
    return text


def _unquoted(known: Known, match: re.Match[str]) -> str:
    if match["text"] == "$" and match.re is SEGMENT and match.string[match.end() :][:1] in _QUOTES:
        return UNKNOWN_WORD
    if match["text"]:
        folder = known.name.rpartition("/")[0]
        # A relative name says nothing once the script is elsewhere.
        is_told = known.name.startswith("/") or not known.is_moved
        own = (folder or ("/" if known.name.startswith("/") else ".")) if is_told else UNKNOWN_WORD
        return match["text"].replace(OWN_FOLDER, own)
    if match["reference"]:
        name = match["reference"][1:]
        # `$10` is `$1` with a 0 behind it.
        return known.value(name[0]) + name[1:] if name[0].isdecimal() else known.value(name)
    if match["braced"] and (braced := _BRACED.fullmatch(match["braced"])):
        return known.value(braced[1]) or braced[2] or ""
    return "" if match[0] == "\\\n" else UNKNOWN_WORD
