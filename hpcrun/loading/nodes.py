"""A YAML file as a tree whose every part knows its place; does not resolve scalars."""

from dataclasses import dataclass, replace

from hpcrun.loading.source import Span


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text as written; only a plain one (without quotes) can be anything but text."""

    text: str
    is_plain: bool
    span: Span

    @property
    def is_null(self) -> bool:
        """Whether YAML 1.2 reads it as no value."""
        return self.is_plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple["Node", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping, and its value."""

    key: Scalar
    value: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values, each key once."""

    entries: tuple[Entry, ...]
    span: Span

    def get(self, key: str) -> Entry | None:
        """Find the entry of a key."""
        return next((entry for entry in self.entries if entry.key.text == key), None)

    def without(self, *keys: str) -> "Mapping":
        """Give the mapping without some keys."""
        return replace(self, entries=tuple(e for e in self.entries if e.key.text not in keys))


@dataclass(frozen=True, slots=True)
class Refused:
    """A value that was refused already (an alias, say); nothing more is said about it."""

    span: Span


Node = Scalar | Sequence | Mapping | Refused
