"""The command line of a container runtime → image, command and options; runs and judges nothing."""

from collections.abc import Sequence
from typing import NamedTuple

from hpcrun.sbatch.places import Word
from hpcrun.tables.runtime_options import (
    Meaning,
    RuntimeOption,
    find_option,
    runtime_options,
)

RUNTIMES = frozenset(("apptainer", "singularity"))
_STARTS = frozenset(("exec", "run"))
_FETCHES = frozenset(("pull", "build"))


class RuntimeOptionGiven(NamedTuple):
    """One option of the runtime."""

    name: str
    value: str | None
    means: Meaning
    word: Word

    @property
    def shown(self) -> str:
        """The option as people write it."""
        return f"--{self.name}" if self.value is None else f"--{self.name} {self.value}"


class RuntimeCall(NamedTuple):
    """A call of the runtime that starts a container."""

    runtime: Word
    verb: str
    options: tuple[RuntimeOptionGiven, ...]
    image: Word | None
    argv: tuple[Word, ...]
    unknown: Word | None = None
    """An option that is not known: what stands behind it may belong to it."""


class Fetch(NamedTuple):
    """A call of the runtime that makes an image file."""

    word: Word
    address: str


def read_runtime_call(words: Sequence[Word]) -> RuntimeCall | Fetch | None:
    """Read the words of a command whose first is a runtime; None where it starts nothing."""
    table = runtime_options()
    leading, at, _ = _read(words, 1, table.leading)
    if at >= len(words):
        return None
    verb = words[at].text
    if verb in _FETCHES:
        addresses = [word for word in words[at + 1 :] if "://" in word.text]
        return Fetch(addresses[0], addresses[0].text) if addresses else None
    if verb not in _STARTS:
        return None
    given, at, unknown = _read(words, at + 1, table.options)
    image = words[at] if at < len(words) else None
    call = RuntimeCall(words[0], verb, (*leading, *given), image, tuple(words[at + 1 :]))
    return call._replace(unknown=unknown)


def _read(
    words: Sequence[Word], at: int, rows: Sequence[RuntimeOption]
) -> tuple[list[RuntimeOptionGiven], int, Word | None]:
    """Read options as pflag does; return where they end, and one that is not known."""
    given: list[RuntimeOptionGiven] = []
    unknown = None
    while at < len(words):
        word = words[at]
        if not word.text.startswith("-") or word.text == "-":
            break
        at += 1
        if word.text == "--":
            break
        pending = _long(word, rows, given) if word.text[:2] == "--" else _short(word, rows, given)
        if pending is None:
            unknown = unknown or word
        elif pending.takes == "value" and given[-1].value is None and at < len(words):
            given[-1] = given[-1]._replace(value=words[at].text)
            at += 1
    return given, at, unknown


def _long(
    word: Word, rows: Sequence[RuntimeOption], given: list[RuntimeOptionGiven]
) -> RuntimeOption | None:
    name, is_joined, value = word.text[2:].partition("=")
    row = find_option(rows, name)
    if row is None or len(name) == 1:
        return None
    if row.takes == "none" and value in ("false", "0"):
        return row
    text = value if is_joined and row.takes == "value" else None
    given.append(RuntimeOptionGiven(row.option, text, row.means, word))
    return row


def _short(
    word: Word, rows: Sequence[RuntimeOption], given: list[RuntimeOptionGiven]
) -> RuntimeOption | None:
    """Read letters in one word; the value of the last may follow at once, or behind `=`."""
    row = None
    for at, letter in enumerate(word.text[1:], 1):
        row = find_option(rows, letter)
        if row is None:
            return None
        rest = word.text[at + 1 :]
        if row.takes == "value":
            value = rest.removeprefix("=") if rest else None
            given.append(RuntimeOptionGiven(row.option, value, row.means, word))
            return row
        given.append(RuntimeOptionGiven(row.option, None, row.means, word))
    return row
