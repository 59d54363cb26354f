"""The commands of a simple shell script, in order; runs nothing and gives up early.

Only what is literal is understood: simple commands, settings, the script's own arguments, and the
script's own folder. Whatever branches, loops, substitutes or reads other files ends the reading
with a doubt that names the line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

UNKNOWN_WORD = "\0"
"""Stands for what a word comes to at run time, where that cannot be read."""
_COMMANDS_MAX = 40
_WORDS_MAX = 400
_WORD_MAX = 4096
_LINE_MAX = 8192
_OPERATORS = ("&&", "||", ";;", ";", "|&", "|", "&")
_KEYWORDS = frozenset(
    (
        *("if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case"),
        *("esac", "function", "select", "{", "}", "!", "[[", "coproc"),
    )
)
_CHANGERS = frozenset(
    ("eval", "source", ".", "alias", "trap", "module", "ml", "conda", "mamba", "spack")
)
"""They run, or bring about, what does not stand in the script."""
_HARMLESS = frozenset(
    (
        *("echo", "printf", ":", "true", "false", "test", "[", "ulimit", "umask", "wait"),
        *("type", "hash", "pwd", "shift", "set", "unset", "sleep"),
    )
)
_SETTING = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
# Possessive, as a stranger's script may hold blanks without end.
_OWN_FOLDER = re.compile(
    r"\$\(\s*+(?:cd\s++(?:--\s++)?)?(?:\"?\$\()?\s*+dirname\s++(?:--\s++)?\"?"
    r"\$(?:0|\{0\}|\{BASH_SOURCE(?:\[0\])?\}|BASH_SOURCE)\"?\s*+\)?\"?"
    r"(?:\s*+&&\s*+pwd(?:\s++-P)?)?\s*+\)"
)
_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_MARK = "\1"
"""Stands for the script's own folder while the text is read."""


class ShellCommand(NamedTuple):
    """One simple command of a script."""

    line: int
    words: tuple[str, ...]
    settings: Mapping[str, str]
    """Variables set for this command: those in front of it and those exported before."""


class ShellDoubt(NamedTuple):
    """A place that cannot be followed."""

    line: int
    what: str


class _Script:
    """What is known while a script is read from top to bottom."""

    def __init__(self, args: Sequence[str], name: str) -> None:
        self.args = tuple(args)
        self.name = name
        self.variables: dict[str, str] = {}
        self.exported: dict[str, str] = {}


def read_shell(
    text: str, *, name: str, args: Sequence[str], variables: Mapping[str, str] | None = None
) -> Iterator[ShellCommand | ShellDoubt]:
    """Yield the commands of a script; a doubt is always the last.

    Args:
        name: what `$0` is.
        args: what `$1`, `$2` and so on are.
        variables: what the environment holds, as far as it is known.
    """
    script = _Script(args, name)
    script.variables.update(variables or {})
    script.exported.update(variables or {})
    n_commands = _COMMANDS_MAX
    for line, raw in _simple_commands(text):
        if isinstance(raw, str):
            yield ShellDoubt(line, raw)
            return
        found = _interpret(script, line, raw)
        if isinstance(found, ShellDoubt) or found is _END:
            if isinstance(found, ShellDoubt):
                yield found
            return
        if isinstance(found, ShellCommand):
            n_commands -= 1
            if n_commands < 0:
                yield ShellDoubt(line, "the script has too many commands")
                return
            yield found
            if found.words[0] == "exec":
                return


_END = object()
_EXPORTS = frozenset(("export", "declare", "readonly", "local", "typeset"))


def _interpret(
    script: _Script, line: int, raw: Sequence[str]
) -> ShellCommand | ShellDoubt | object:
    """Carry out what a command does to variables; return it where it runs a program."""
    settings, rest = _split_settings(script, raw)
    words = [word for text in rest for word in _expand(script, text)]
    if not words:
        script.variables.update(settings)
        script.exported.update({k: v for k, v in settings.items() if k in script.exported})
        return None
    first = words[0]
    if first in _EXPORTS:
        return _export(script, line, rest[1:])
    if first in ("exit", "return"):
        return _END
    if (reason := _beyond(words, rest[0])) is not None:
        return ShellDoubt(line, reason)
    if first in _HARMLESS or words in (["exec"], ["cd"]):
        return None
    return ShellCommand(line, tuple(words[:_WORDS_MAX]), script.exported | settings)


def _split_settings(script: _Script, raw: Sequence[str]) -> tuple[dict[str, str], Sequence[str]]:
    """Tell settings in front of a command from its words."""
    settings: dict[str, str] = {}
    for at, text in enumerate(raw):
        match = _SETTING.fullmatch(text)
        if match is None:
            return settings, raw[at:]
        settings[match[1]] = "".join(_expand(script, match[2]))
    return settings, ()


def _beyond(words: Sequence[str], raw: str) -> str | None:
    """Say why a command is more than can be followed; None where it is not."""
    first = words[0]
    if UNKNOWN_WORD in first:
        return f"the program is named by `{raw[:60]}`"
    if first in _KEYWORDS or first in _CHANGERS or first.endswith("()"):
        return f"`{first}` is more than a literal command"
    return "`cd` goes elsewhere" if first == "cd" and len(words) > 1 else None


def _export(script: _Script, line: int, raw: Sequence[str]) -> ShellDoubt | None:
    for text in raw:
        match = _SETTING.fullmatch(text)
        if match is not None:
            value = "".join(_expand(script, match[2]))
            script.variables[match[1]] = script.exported[match[1]] = value
        elif re.fullmatch(r"\w+", text):
            script.exported[text] = script.variables.get(text, UNKNOWN_WORD)
        else:
            return ShellDoubt(line, f"`export {text[:40]}` is more than a literal setting")
    return None


def _expand(script: _Script, raw: str) -> list[str]:
    """Return what a word comes to: several words for the script's arguments."""
    if raw in ('"$@"', "$@", "$*", '"${@}"', "${@}", '${1+"$@"}'):
        return list(script.args)
    if raw.startswith("'") and raw.endswith("'") and raw.count("'") == 2:  # noqa: PLR2004
        return [raw[1:-1]]

    def value_of(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name == "0":
            return script.name
        if name.isdigit():
            at = int(name[:4]) - 1
            return script.args[at] if at < len(script.args) else ""
        return script.variables.get(name, UNKNOWN_WORD)

    parts = re.split(r"('[^']*')", raw)
    expanded = "".join(
        part[1:-1] if index % 2 else _REFERENCE.sub(value_of, part.replace('"', ""))
        for index, part in enumerate(parts)
    )
    expanded = expanded.replace(_MARK, script.name.rpartition("/")[0] or ".")
    if "$" in expanded or "`" in expanded or len(expanded) > _WORD_MAX:
        return [UNKNOWN_WORD]
    if not expanded and '"' not in raw and "'" not in raw:
        return []
    return [expanded]


def _simple_commands(text: str) -> Iterator[tuple[int, list[str] | str]]:
    """Split a script into commands of raw words; a text in their place says why reading ends."""
    for number, line in _logical_lines(_OWN_FOLDER.sub(_MARK, text)):
        words: list[str] = []
        for token in _tokens(line):
            if token.startswith("?"):
                yield number, token[1:]
                return
            if token in _OPERATORS:
                if words:
                    yield number, words
                words = []
            else:
                words.append(token[1:])
        if words:
            yield number, words


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Join what a backslash at the end of a line continues; number by the first of the lines."""
    start, joined = 1, ""
    for number, line in enumerate(text.split("\n"), start=1):
        joined += line
        if joined.endswith("\\") and len(joined) < _LINE_MAX:
            joined = joined[:-1] + " "
            continue
        yield start, joined
        start, joined = number + 1, ""


_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<comment>\#.*)|(?P<redirect>[0-9]*(?:>>|>\||>&|<&|&>>|&>|>|<)\s*(?:&?[^\s;|&<>]+))"
    r"|(?P<operator>&&|\|\||;;|\|&|;|\||&)"
    r"|(?P<word>(?:\$\{[^}`$]*\}|\$[@*#?!$0-9A-Za-z_-]|'[^']*'|\"(?:[^\"`\\$]|\\.|\$(?!\())*\""
    r"|\\.|[^\s;|&<>()'\"`$\\])+)"
)


def _tokens(line: str) -> Iterator[str]:
    """Yield operators as they are and words behind a space; `?…` where a line is not simple."""
    at = 0
    while at < len(line):
        match = _TOKEN.match(line, at)
        if match is None or line.startswith("<<", at) or len(line) > _LINE_MAX:
            yield f"?`{line.strip()[:60]}` is more than a literal command"
            return
        at = match.end()
        if match["comment"]:
            return
        if match["operator"]:
            yield match["operator"]
        elif match["word"]:
            yield " " + re.sub(r"\\(.)", r"\1", match["word"])
