"""Shapes of a profile's leaves: any may be `unknown` or say where it comes from; names no keys."""

from dataclasses import dataclass
from typing import Any

from hpcrun.loading.groups import MappingOf
from hpcrun.loading.leaves import Choice, Day, Nullable, Text
from hpcrun.loading.nodes import Entry, Mapping, Node, Scalar
from hpcrun.loading.problems import did_you_mean
from hpcrun.loading.records import Field, Record
from hpcrun.loading.shapes import Place, Schema, Shape, Wrapping, bare
from hpcrun.model.base import UNKNOWN

_ORIGIN = Record(
    {
        "source": Field(Nullable(Text()), about="where the value was read or measured"),
        "as_of": Field(Nullable(Day()), about="the day on which it was so"),
        "confidence": Field(Nullable(Choice(("documented", "observed", "derived")))),
    }
)


@dataclass(frozen=True)
class Fact(Wrapping):
    """A leaf of a profile."""

    shape: Shape
    when_unknown: Any = UNKNOWN
    """What the model holds for `unknown`; NOTHING where the field keeps its default."""
    is_group: bool = False
    """A group of keys may be `unknown`, but its origin stands at its leaves."""

    @property
    def expected(self) -> str:
        """Name what the leaf is."""
        return self.shape.expected

    def fits(self, node: Node) -> bool:
        """Whether it is the leaf, `unknown`, or the leaf with its origin."""
        return self._is_annotated(node) or _is_unknown(node) or self.shape.fits(node)

    def _is_annotated(self, node: Node) -> bool:
        return not self.is_group and isinstance(node, Mapping) and node.get("value") is not None

    def _read(self, node: Node, place: Place) -> Any:
        if self._is_annotated(node):
            node = self._strip(node, place)
        if _is_unknown(node):
            place.reading.unknowns.append(place.path)
            return self.when_unknown
        if isinstance(node, Scalar) and not isinstance(bare(self.shape), Text | Choice):
            near = did_you_mean(node.text, [UNKNOWN])
            if near:
                message = f"{place.shown} must be {self.expected} or `unknown`"
                return place.refuse(node, message=message, found=f"`{node.text}`", helps=near)
        return self.shape.read(node, place)

    def _strip(self, node: Any, place: Place) -> Node:
        """Keep the origin beside the values and go on with the value."""
        value: Node = node.get("value").value
        origin = _ORIGIN.read(node.without("value"), place)
        place.reading.value_spans[place.path] = value.span
        if isinstance(origin, dict):
            place.reading.sources[place.path] = origin
        return value

    def schema(self) -> Schema:
        """Describe the leaf, `unknown`, and the leaf with its origin."""
        bare = [self.shape.schema(), {"const": UNKNOWN}]
        if self.is_group:
            return {"anyOf": bare}
        origin = _ORIGIN.schema()
        described = {key: {"title": key} | part for key, part in origin["properties"].items()}
        annotated = origin | {
            "properties": {"value": {"anyOf": bare}} | described,
            "required": ["value"],
        }
        return {"title": self.expected, "anyOf": [*bare, annotated]}


def _is_unknown(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text == UNKNOWN


def merge(parent: Node, child: Node, shape: Shape) -> Node:
    """Lay a child's values over its parent's: groups of keys join, leaves are replaced."""
    inner = bare(shape)
    is_group = isinstance(inner, Record | MappingOf)
    if not (is_group and isinstance(parent, Mapping) and isinstance(child, Mapping)):
        return child
    entries = {entry.key.text: entry for entry in parent.entries}
    for entry in child.entries:
        key = entry.key.text
        known = inner.fields.get(key) if isinstance(inner, Record) else None
        below = known.shape if known else inner.value if isinstance(inner, MappingOf) else None
        if key in entries and below is not None:
            joined = merge(entries[key].value, entry.value, below)
            entries[key] = Entry(entry.key, joined)
        else:
            entries[key] = entry
    return Mapping(tuple(entries.values()), child.span)
