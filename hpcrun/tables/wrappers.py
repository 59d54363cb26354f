"""The table of programs that start the one named behind them; does not look into images."""

from collections.abc import Mapping, Sequence
from functools import cache

from hpcrun.tables.rows import Document, Row, load_table


class Wrapper(Row):
    """Programs of one kind, and their options as far as they come before a command."""

    names: tuple[str, ...]
    values: Mapping[str, int] = {}
    flags: tuple[str, ...] = ()
    quits: tuple[str, ...] = ()
    empties: tuple[str, ...] = ()
    """Options that start the command without any variable of the environment."""
    splits: tuple[str, ...] = ()
    """Options whose word is split into a command (env -S)."""
    splits_by: str | None = None
    """A word between several commands, each with options of its own (MPMD)."""
    before: int = 0
    sets: bool = False
    starts_ranks: bool = False


class PythonRunner(Row):
    """A Python module that runs the program named behind it."""

    module: str
    values: Mapping[str, int] = {}
    flags: tuple[str, ...] = ()


class Wrappers(Document):
    """All that is known about programs that start others."""

    wrappers: tuple[Wrapper, ...]
    python_runners: tuple[PythonRunner, ...]

    def by_name(self, name: str) -> Wrapper | None:
        """Return the row of a program."""
        return next((row for row in self.wrappers if name in row.names), None)

    def python_runner(self, module: str) -> PythonRunner | None:
        """Return the row of a Python module."""
        return next((row for row in self.python_runners if row.module == module), None)


def options_end(
    words: Sequence[str], *, values: Mapping[str, int], flags: Sequence[str]
) -> int | None:
    """Return how many words are options; None where one is not known."""
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--":
            return at + 1
        if not word.startswith("-") or word == "-":
            return at
        taken = _words_of(word, values, flags)
        if taken is None:
            return None
        at += taken
    return at


def _words_of(word: str, values: Mapping[str, int], flags: Sequence[str]) -> int | None:
    """Return how many words an option takes with itself; None where it is not known."""
    if word in values:
        return 1 + values[word]
    name, is_joined, _ = word.partition("=")
    if word in flags or (is_joined and name in values) or _is_short(word, values):
        return 1
    is_cluster = len(word) > 2 and all(f"-{letter}" in flags for letter in word[1:])  # noqa: PLR2004
    return 1 if is_cluster else None


def _is_short(word: str, values: Mapping[str, int]) -> bool:
    """Whether a one-letter option has its value in the same word: -n10, and -10 of nice."""
    is_number = word[1:].isdigit()
    return is_number or (word[:2] in values and word[1] != "-" and len(word) > 2)  # noqa: PLR2004


@cache
def wrappers() -> Wrappers:
    """Return the table of programs that start others."""
    return load_table("wrappers", Wrappers)
