"""Words → options of sbatch or srun, as getopt_long(3) takes them; does not know what they mean."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from hpcrun.loading.source import Span
from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.sbatch.places import Word, finding
from hpcrun.tables.slurm_options import SlurmOption, Tool, by_beginning, by_letter, slurm_options


class Given(NamedTuple):
    """One option that is given."""

    name: str
    """Its long name, written out."""
    value: str | None
    span: Span
    is_known: bool = True

    @property
    def number(self) -> int | None:
        """The number that it is given, if it is one that anybody would write."""
        value = self.value or ""
        return int(value) if re.fullmatch("[0-9]{1,9}", value) else None

    @property
    def shown(self) -> str:
        """The option as people write it."""
        return f"--{self.name}" if self.value is None else f"--{self.name}={self.value}"


class Options(NamedTuple):
    """What was read of a command line."""

    given: tuple[Given, ...]
    rest: tuple[Word, ...]
    """Words behind the options."""
    found: tuple[Diagnostic, ...] = ()

    def last(self, *names: str) -> Given | None:
        """Return the option of these names that counts: the last one."""
        return next((each for each in reversed(self.given) if each.name in names), None)


def read_options(words: Sequence[Word], tool: Tool) -> Options:
    """Read options up to the first word that is none."""
    reader = _Reader(words, tool)
    return reader.read()


class _Reader:
    """One command line, read from left to right."""

    def __init__(self, words: Sequence[Word], tool: Tool) -> None:
        self._words = tuple(words)
        self._tool = tool
        self._rows = slurm_options(tool)
        self._at = 0
        self._given: list[Given] = []
        self._found: list[Diagnostic] = []

    def read(self) -> Options:
        """Read them."""
        while self._at < len(self._words):
            word = self._words[self._at]
            if not word.text.startswith("-") or word.text == "-":
                break
            self._at += 1
            if word.text == "--":
                break
            if word.text.startswith("--"):
                self._long(word)
            else:
                self._letters(word)
        return Options(tuple(self._given), self._words[self._at :], tuple(self._found))

    def _long(self, word: Word) -> None:
        name, is_joined, value = word.text[2:].partition("=")
        rows = by_beginning(self._rows, name)
        if not rows:
            self._stranger(name, value if is_joined else None, word)
        elif len(rows) > 1:
            choices = ", ".join(f"`--{row.option}`" for row in rows[:4])
            self._fault(word, f"`--{name}` may be any of {choices}")
        elif rows[0].takes == "none" and is_joined:
            self._fault(word, f"`--{rows[0].option}` takes no value")
        else:
            self._take(rows[0], value if is_joined else None, word)

    def _letters(self, word: Word) -> None:
        """Read letters in one word; the value of the last may follow at once."""
        for at, letter in enumerate(word.text[1:], 1):
            row = by_letter(self._rows, letter)
            rest = word.text[at + 1 :]
            if row is None:
                self._fault(word, f"{self._tool} has no option `-{letter}`")
                return
            if row.takes == "none":
                self._given.append(Given(row.option, None, word.span))
                continue
            self._take(row, rest or None, word)
            return

    def _take(self, row: SlurmOption, joined: str | None, word: Word) -> None:
        value = joined
        if row.takes == "value" and value is None:
            if self._at >= len(self._words):
                self._fault(word, f"`--{row.option}` has no value")
                return
            value = self._words[self._at].text
            self._at += 1
        self._given.append(Given(row.option, value, word.span))

    def _stranger(self, name: str, value: str | None, word: Word) -> None:
        self._given.append(Given(name, value, word.span, is_known=False))
        message = f"{self._tool} has no option `--{name[:60]}`"
        found = (f"`{word.text[:80]}`", "a plugin of the site may add it")
        severity = Severity.WARNING
        self._found.append(finding("HPR822", message, word.span, found=found, severity=severity))

    def _fault(self, word: Word, message: str) -> None:
        found = (f"`{word.text[:80]}`",)
        self._found.append(finding("HPR822", message, word.span, found=found))
