"""What can be wrong with a file, and the collector of it all; does not look for it."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from enum import Enum
from typing import NoReturn

from hpcrun.errors import InputError
from hpcrun.loading.source import Span
from hpcrun.model.diagnostic import Confidence, Diagnostic, Help, Severity

MAX_PROBLEMS = 200
"""More than that is a wrong or hostile file; the message tells the whole number."""

MAX_KEPT = 1000
"""They come nearly in the order of the file; beyond these they are only counted."""


class FileRule(Enum):
    """Rules on job files and profiles; HPR004 is the planner's."""

    UNKNOWN_KEY = ("HPR001", "unknown-key")
    DUPLICATE_KEY = ("HPR002", "duplicate-key")
    AMBIGUOUS_SCALAR = ("HPR003", "ambiguous-scalar")
    WRONG_VALUE = ("HPR005", "wrong-value")
    MISSING_KEY = ("HPR006", "missing-key")
    UNREADABLE_YAML = ("HPR007", "unreadable-yaml")
    CONFLICTING_KEYS = ("HPR008", "conflicting-keys")
    OWNED_SETTING = ("HPR009", "owned-setting")
    UNKNOWN_REFERENCE = ("HPR010", "unknown-reference")
    UNUSABLE_PARENT = ("HPR011", "unusable-parent")
    CONTRADICTION = ("HPR013", "contradictory-values")

    @property
    def code(self) -> str:
        """The stable code."""
        return self.value[0]

    @property
    def rule(self) -> str:
        """The name that reads after "allow"."""
        return self.value[1]


class Problems:
    """Collects what is wrong with one file and its parents, to tell all of it at once."""

    def __init__(self) -> None:
        self._found: list[tuple[tuple[str, int, int, str], Diagnostic]] = []
        self._n_more = 0

    def report(
        self,
        rule: FileRule,
        span: Span,
        *,
        message: str,
        found: Sequence[str] = (),
        helps: Sequence[str | Help] = (),
    ) -> None:
        """Add one problem; plain helps are sure ones for the user."""
        if len(self._found) >= MAX_KEPT:
            self._n_more += 1
            return
        diagnostic = Diagnostic(
            code=rule.code,
            rule=rule.rule,
            severity=Severity.ERROR,
            message=message,
            location=span.location,
            found=tuple(found),
            help=tuple(sure(h) if isinstance(h, str) else h for h in helps),
        )
        self._found.append(((span.source.shown, span.line, span.column, rule.code), diagnostic))

    def forget(self, *rules: FileRule) -> None:
        """Drop what was reported by some rules, for a reason that lies elsewhere."""
        codes = {rule.code for rule in rules}
        self._found = [entry for entry in self._found if entry[1].code not in codes]

    def __len__(self) -> int:
        return len(self._found) + self._n_more

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Give all problems by file, line, column and code, each once."""
        ordered = sorted(self._found, key=lambda entry: entry[0])
        return tuple(dict.fromkeys(diagnostic for _, diagnostic in ordered))

    def refuse(self, subject: str) -> NoReturn:
        """Raise what was found, as one error."""
        every = self.diagnostics()
        n_problems = len(every) + self._n_more
        count = "1 problem" if n_problems == 1 else f"{n_problems} problems"
        more = f", the first {MAX_PROBLEMS} are shown" if n_problems > MAX_PROBLEMS else ""
        raise InputError(f"cannot use `{subject}`: {count}{more}", diagnostics=every[:MAX_PROBLEMS])


def sure(text: str) -> Help:
    """Give a help that mends the fault."""
    return Help(text=text, confidence=Confidence.SURE)


def likely(text: str) -> Help:
    """Give a help that probably mends the fault."""
    return Help(text=text, confidence=Confidence.LIKELY)


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Give the choice that the word is a misspelling of, if there is one."""
    close = get_close_matches(word.lower()[:80], list(choices), n=1, cutoff=0.7)
    return close[0] if close else None


def did_you_mean(word: str, choices: Iterable[str]) -> list[Help]:
    """Give the help that names the nearest choice, if one is near."""
    near = nearest(word, choices)
    return [likely(f"did you mean `{near}`?")] if near else []


def shorten(text: str, limit: int = 40) -> str:
    """Cut foreign text for a message of one line; whoever prints it escapes it."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
