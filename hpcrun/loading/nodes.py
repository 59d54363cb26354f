"""A YAML file as a tree whose every part knows its place; does not resolve scalars."""

from typing import NamedTuple

from hpcrun.loading.source import Span


class Scalar(NamedTuple):
    """Text as written; only a plain one (without quotes) can be anything but text."""

    text: str
    is_plain: bool
    span: Span

    @property
    def is_null(self) -> bool:
        """Whether YAML 1.2 reads it as no value."""
        return self.is_plain and self.text in ("", "~", "null", "Null", "NULL")


class Sequence(NamedTuple):
    """A list."""

    items: tuple["Node", ...]
    span: Span


class Entry(NamedTuple):
    """One key of a mapping, and its value."""

    key: Scalar
    value: "Node"


class Mapping(NamedTuple):
    """Keys and values, each key once."""

    entries: tuple[Entry, ...]
    span: Span

    def get(self, key: str) -> Entry | None:
        """Find the entry of a key."""
        return next((entry for entry in self.entries if entry.key.text == key), None)

    def without(self, *keys: str) -> "Mapping":
        """Give the mapping without some keys."""
        return self._replace(entries=tuple(e for e in self.entries if e.key.text not in keys))


class Refused(NamedTuple):
    """A value that was refused already (an alias, say); nothing more is said about it."""

    span: Span


Node = Scalar | Sequence | Mapping | Refused
