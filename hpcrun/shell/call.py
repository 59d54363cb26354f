"""Which script a shell is told to run, by its options; does not read the script."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

_FLAGS = frozenset("aefhkmnpuvxBCEHPTcli")
_LOGIN = frozenset("li")
"""With these it reads profiles first, which may set anything."""
_LONG = frozenset(("--norc", "--noprofile", "--posix", "--login"))


class ShellCall(NamedTuple):
    """What a shell is told."""

    kind: Literal["file", "text", "none"]
    what: str = ""
    args: tuple[str, ...] = ()
    reads_profiles: bool = False


def read_shell_call(args: Sequence[str]) -> ShellCall | None:
    """Tell options, script and arguments apart; None where an option is not known."""
    rest = list(args)
    letters: set[str] = set()
    while rest and rest[0][:1] in ("-", "+") and rest[0] not in ("-", "+"):
        word = rest.pop(0)
        if word == "--":
            break
        if word in _LONG:
            letters |= {"l"} if word == "--login" else set()
        elif word[1:] == "o" and rest:
            rest.pop(0)
        elif set(word[1:]) <= _FLAGS:
            letters |= set(word[1:])
        else:
            return None
    is_login = bool(letters & _LOGIN)
    if not rest:
        return None if "c" in letters else ShellCall("none", reads_profiles=is_login)
    kind: Literal["file", "text"] = "text" if "c" in letters else "file"
    return ShellCall(kind, rest[0], tuple(rest[1:]), is_login)
