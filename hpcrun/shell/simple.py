"""The words of one simple command of a shell script, told apart; runs nothing."""

from collections.abc import Sequence

from hpcrun.shell.builtins import UNFOLLOWED
from hpcrun.shell.words import SETTING, UNKNOWN_WORD, WORDS_MAX, Known, is_pattern, set_value
from hpcrun.shell.work import FullError


def split_settings(known: Known, raw: Sequence[str]) -> tuple[dict[str, str], Sequence[str]]:
    """Tell settings in front of a command from its words."""
    settings: dict[str, str] = {}
    variables = dict(known.variables) if SETTING.fullmatch(raw[0]) else {}
    now = known._replace(variables=variables)
    for at, text in enumerate(raw):
        match = SETTING.fullmatch(text)
        if match is None:
            return settings, raw[at:]
        settings[match[1]] = variables[match[1]] = set_value(now, match)
        if len(settings) > WORDS_MAX:
            raise FullError
    return settings, ()


def beyond(first: str, raw: str, plain: frozenset[str]) -> str | None:
    """Say why a command is more than can be followed; None where it is not."""
    if is_pattern(raw):
        return f"the program is named by `{raw[:60]}`"
    if UNKNOWN_WORD in first:
        # A program at an unknown place may still tell its name, and cannot change the shell.
        name = first.rpartition("/")[2]
        is_named = "/" in first and name and UNKNOWN_WORD not in name
        return None if is_named else f"the program is named by `{raw[:60]}`"
    return f"`{first}` is more than a literal command" if first in UNFOLLOWED - plain else None
