"""A profile's values one by one, as its files write them, each with its origin and its place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hpcrun.loading import nodes
from hpcrun.loading.facts import ORIGIN_KEYS
from hpcrun.loading.groups import Anything
from hpcrun.loading.problems import Problems
from hpcrun.loading.shapes import NOTHING, Place, Reading
from hpcrun.loading.source import Span

Keys = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of a profile."""

    keys: Keys
    """Names and, in lists, numbers that lead to it."""
    value: Any
    """As YAML 1.2 reads it: text, number, boolean, list, mapping, None, or `unknown`."""
    origin: Mapping[str, Any] | None
    """`source`, `as_of`, `confidence`, as far as they are stated."""
    span: Span
    is_fact: bool
    """Whether it is about the site, and not about the profile: its name, its format."""

    @property
    def source(self) -> str | None:
        """Where it comes from."""
        return self.origin.get("source") if self.origin else None

    @property
    def path(self) -> str:
        """The dotted path."""
        return ".".join(map(str, self.keys))


def leaves_of(
    tree: nodes.Node, reading: Reading, sources: Mapping[str, Mapping[str, Any]]
) -> tuple[Leaf, ...]:
    """Give the leaves of a profile that was read without problems, parents' values among them."""
    facts = frozenset((*reading.leaves, *reading.unknowns))
    return tuple(_leaves(tree, (), reading, sources, facts))


def _leaves(
    node: nodes.Node,
    keys: Keys,
    reading: Reading,
    sources: Mapping[str, Mapping[str, Any]],
    facts: frozenset[str],
) -> Iterator[Leaf]:
    path = ".".join(map(str, keys))
    if path in facts or not isinstance(node, nodes.Mapping | nodes.Sequence):
        yield Leaf(keys, _plain(node), sources.get(path), node.span, path in facts)
        return
    if path in reading.sources and isinstance(node, nodes.Mapping):
        # A list of groups that is written with its origin.
        node = node.entries[[entry.key.text for entry in node.entries].index("value")].value
        yield from _leaves(node, keys, reading, sources, facts)
        return
    parts = [part for part in _parts(node) if not _is_origin(part[0], path, facts, reading)]
    if not parts:
        yield Leaf(keys, {} if isinstance(node, nodes.Mapping) else [], None, node.span, False)
    for key, below in parts:
        yield from _leaves(below, (*keys, key), reading, sources, facts)


def _is_origin(key: str | int, path: str, facts: frozenset[str], reading: Reading) -> bool:
    """Whether a key says where its group comes from, and is no part of the group."""
    if key not in ORIGIN_KEYS or f"{path}.{key}" in facts:
        return False
    return any(above == path for _, above in reading.origins)


def _parts(node: nodes.Mapping | nodes.Sequence) -> Iterator[tuple[str | int, nodes.Node]]:
    if isinstance(node, nodes.Mapping):
        yield from ((entry.key.text, entry.value) for entry in node.entries)
    else:
        yield from enumerate(node.items)


def _plain(node: nodes.Node) -> Any:
    """Give a value without the origin that it may be written with."""
    if isinstance(node, nodes.Mapping):
        value = node.get("value")
        if value is not None:
            return _plain(value.value)
        return {entry.key.text: _plain(entry.value) for entry in node.entries}
    if isinstance(node, nodes.Sequence):
        return [_plain(item) for item in node.items]
    value = Anything().read(node, Place("", node.span, Reading(Problems())))
    # A date without quotes; the shape of its key took it.
    return node.text if value is NOTHING and isinstance(node, nodes.Scalar) else value
