"""A job as it is put together from a script: values with their places, and what is left out."""

from collections.abc import Mapping as Table
from typing import Any

from hpcrun.loading.nodes import Entry, Mapping, Node, Scalar, Sequence
from hpcrun.loading.scalars import CANONICAL_INTEGER
from hpcrun.loading.source import Source, Span
from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.sbatch.places import Word, finding
from hpcrun.sbatch.secrets import without_secrets

Values = dict[str, Any]
"""Keys of job.yaml → Scalar, list of them, or Values."""

_NUMBERS = frozenset(
    (
        "version",
        *(f"resources.{name}" for name in ("nodes", "tasks", "tasks_per_node")),
        *(f"resources.{name}" for name in ("cpus_per_task", "gpus_per_node")),
    )
)
"""Keys whose values stand without quotes, where they are numbers."""

_FOUND_MAX = 300


class Draft:
    """What will be the job."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.values: Values = {}
        self.found: list[Diagnostic] = []

    def put(self, path: str, text: str, span: Span) -> None:
        """Set one value by its dotted path; names that hold dots cannot be set so."""
        *above, name = path.split(".")
        is_plain = path in _NUMBERS and CANONICAL_INTEGER.fullmatch(text) is not None
        self.below(*above)[name] = Scalar(text, is_plain, span)

    def below(self, *names: str) -> Values:
        """Return the mapping at a path."""
        values = self.values
        for name in names:
            values = values.setdefault(name, {})
        return values

    def flag(self, span: Span) -> Scalar:
        """Return the value of an option that has none."""
        return Scalar("true", is_plain=True, span=span)

    def text(self, text: str, span: Span) -> Scalar:
        """Return a text, which stands in quotes wherever it could be taken for more."""
        return Scalar(text, is_plain=False, span=span)

    def put_words(self, name: str, words: tuple[Word, ...]) -> None:
        """Set a list of texts."""
        self.values[name] = [self.text(word.text, word.span) for word in words]

    def has(self, path: str) -> bool:
        """Whether a value was set."""
        values: Any = self.values
        for name in path.split("."):
            if not isinstance(values, dict) or name not in values:
                return False
            values = values[name]
        return True

    def tell(self, diagnostic: Diagnostic) -> None:
        """Keep what is to be said; each once, and no more than anybody would read."""
        if len(self.found) < _FOUND_MAX and diagnostic not in self.found:
            self.found.append(diagnostic)

    def lose(
        self, what: str, span: Span, *, why: str, severity: Severity = Severity.WARNING
    ) -> None:
        """Say that something of the script has no place in the job."""
        message = f"`{_short(without_secrets(what))}` is not carried over"
        self.tell(finding("HPR828", message, span, found=(why,), severity=severity))

    def note(self, what: str, span: Span, *, why: str) -> None:
        """Say that something has no place in the job and is not missed."""
        self.lose(what, span, why=why, severity=Severity.NOTE)

    def tree(self) -> Node:
        """Return the values as the tree that a job file would be read into."""
        return _node(self.values, self.source.span(1, 1))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"  # noqa: PLR2004


def _node(value: Any, span: Span) -> Node:
    if isinstance(value, Scalar):
        return value
    if isinstance(value, list):
        items = tuple(_node(item, span) for item in value)
        return Sequence(items, items[0].span if items else span)
    entries = tuple(_entries(value, span))
    return Mapping(entries, entries[0].value.span if entries else span)


def _entries(values: Table[str, Any], span: Span) -> list[Entry]:
    made = []
    for name, value in values.items():
        node = _node(value, span)
        made.append(Entry(Scalar(name, is_plain=True, span=node.span), node))
    return made
