"""What the shell's own commands do to variables, arguments and folder; runs nothing."""

import re
from collections.abc import Iterator, Sequence

from hpcrun.shell.parse import Block, Loop, Simple, walk_nodes
from hpcrun.shell.state import State
from hpcrun.shell.words import (
    SETTING,
    UNKNOWN_WORD,
    WORD_MAX,
    WORDS_MAX,
    Known,
    expand,
    set_value,
)

UNFOLLOWED = frozenset(
    (
        *("eval", "source", ".", "alias", "trap", "module", "ml", "conda", "mamba", "spack"),
        *("enable", "fc", "pushd", "popd", "micromamba"),
    )
)
"""They run, or bring about, what does not stand in the script."""
HARMLESS = frozenset(
    (
        *("echo", ":", "true", "false", "test", "[", "ulimit", "umask", "wait", "type"),
        *("hash", "pwd", "sleep", "jobs", "kill", "dirs", "times", "shopt", "bind", "complete"),
        *("disown", "fg", "bg", "history", "caller", "break", "continue", "unalias"),
    )
)
FREE_OF_FAILURE = frozenset(
    (
        "cd",
        "export",
        "echo",
        "printf",
        ":",
        "true",
        "mkdir",
        "set",
        "ulimit",
        "umask",
        "source",
        ".",
    )
)
"""No tests: a script whose command of these fails has gone wrong."""
_EXPORTS = frozenset(("export", "declare", "readonly", "local", "typeset"))
_READS = frozenset(("read", "let", "getopts", "mapfile", "readarray", "printf", "unset"))
_NAME = re.compile(r"[A-Za-z_]\w*")


def apply_builtin(
    words: Sequence[str], rest: Sequence[str], known: Known, state: State
) -> str | None:
    """Do what a command of the shell does; None where it is none, a text where it is too much.

    Args:
        words: the command's words.
        rest: the same as they stand in the script.
        known: what words come to.
    """
    match words[0]:
        case "cd":
            state.folder = _folder(words[1:], state.folder)
        case "shift":
            return _shift(words[1:], state)
        case "set":
            return _set(words[1:], state)
        case "command" if words[1:2] in (["-v"], ["-V"]):
            pass
        case first if first in _EXPORTS:
            return _declare(words, rest[1:], known, state)
        case first if first in _READS:
            return _read(words, state)
        case _:
            return None
    return ""


def assigned_names(nodes: Block) -> Iterator[str]:
    """Yield every variable that commands may set."""
    for node in walk_nodes(nodes):
        if isinstance(node, Loop) and node.variable:
            yield node.variable
        if not isinstance(node, Simple):
            continue
        is_setter = node.words[0] in _EXPORTS | _READS
        for word in node.words:
            match = SETTING.fullmatch(word)
            if match is not None:
                yield match[1]
            elif is_setter or word.startswith("(("):
                yield from _NAME.findall(word[:200])


def _folder(args: Sequence[str], now: str | None) -> str | None:
    """Say where `cd` goes."""
    args = [arg for arg in args if arg not in ("--", "-P", "-L")]
    if len(args) != 1 or UNKNOWN_WORD in args[0] or args[0][:1] in ("-", "~", ""):
        return None
    to = args[0]
    if to.startswith("/"):
        return to
    if now is None or len(now) + len(to) > WORD_MAX:
        return None
    return f"{now}/{to}" if now else f"./{to}"


def _shift(args: Sequence[str], state: State) -> str:
    number = args[0] if args else "1"
    is_told = number.isdecimal() and len(number) < 4  # noqa: PLR2004
    state.args = state.args[int(number) :] if state.args is not None and is_told else None
    return ""


def _set(args: Sequence[str], state: State) -> str:
    """Set options and arguments."""
    for at, word in enumerate(args):
        if word == "--" or word[:1] not in ("-", "+"):
            behind = args[at + 1 :] if word == "--" else args[at:]
            is_option = at > 0 and args[at - 1][1:].endswith("o")
            if is_option and word == "allexport":
                return "`set -o allexport` exports what is set later"
            if is_option:
                continue
            state.args = None if UNKNOWN_WORD in "".join(behind) else tuple(behind)
            return ""
        if word.startswith("-") and "a" in word[1:]:
            return "`set -a` exports what is set later"
    return ""


def _declare(words: Sequence[str], raw: Sequence[str], known: Known, state: State) -> str:
    """Set variables, and export them where that is said: `export`, `declare -x`."""
    options = [word for word in words[1:] if word.startswith("-")]
    is_export = words[0] == "export" or any("x" in option for option in options)
    for text in raw:
        match = SETTING.fullmatch(text)
        if match is not None:
            state.set(match[1], set_value(known, match), is_export=is_export)
            continue
        for word in expand(known, text):
            if word.startswith("-"):
                continue
            if not _NAME.fullmatch(word):
                return f"`{words[0]} {text[:40]}` is more than a literal setting"
            if is_export:
                state.export(word)
    return ""


def _read(words: Sequence[str], state: State) -> str:
    """Forget what a command may set to anything."""
    if len(words) > WORDS_MAX:
        return f"`{words[0]}` has more words than are followed"
    if words[0] == "unset":
        for name in words[1:]:
            state.functions.pop(name, None)
            state.set(name, "")
    elif words[0] != "printf" or words[1:2] == ["-v"]:
        state.forget(name for word in words[1:] for name in _NAME.findall(word))
    return ""
