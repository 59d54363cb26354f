"""Shapes of a profile's leaves and groups: `unknown`, and where values come from; names no keys."""

from typing import Any

from hpcrun.loading.groups import Either, ListOf, MappingOf
from hpcrun.loading.leaves import Choice, Day, Nullable, Text
from hpcrun.loading.nodes import Entry, Mapping, Node, Scalar, Sequence
from hpcrun.loading.problems import did_you_mean
from hpcrun.loading.records import Field, Record
from hpcrun.loading.shapes import Place, Schema, Shape, Wrapping, bare, shape
from hpcrun.model.base import UNKNOWN

ORIGIN_KEYS = ("source", "as_of", "confidence")
CONFIDENCES = ("documented", "observed", "derived")
_SOURCES = Either((ListOf(Text(), minimum=1), Text()), expected="a source, or a list of sources")
_ORIGIN = Record(
    {
        "source": Field(Nullable(_SOURCES), about="where the value was read or measured"),
        "as_of": Field(Nullable(Day()), about="the day on which it was so"),
        "confidence": Field(Nullable(Choice(CONFIDENCES)), about="how it came to be known"),
    }
)


@shape
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
        is_leaf = not self.is_group and not (_has_items(node) and _is_list_of_groups(self.shape))
        if is_leaf:
            place.reading.leaves.append(place.path)
        if isinstance(node, Scalar) and not isinstance(bare(self.shape), Choice):
            near = did_you_mean(node.text, [UNKNOWN])
            if near:
                message = f"{place.shown} must be {self.expected} or `unknown`"
                return place.refuse(node, message=message, found=f"`{node.text}`", helps=near)
        value = self.shape.read(node, place)
        if isinstance(value, list) and _has_unknown_item(node):
            # A list of which a part is not known proves nothing by what it lacks.
            place.reading.unknowns.append(place.path)
            return self.when_unknown
        return value

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
        annotated = origin | {
            "properties": {"value": {"anyOf": bare}} | _titled(origin["properties"]),
            "required": ["value"],
        }
        return {"title": self.expected, "anyOf": [*bare, annotated]}


@shape
class Sourced(Wrapping):
    """A group of keys that can say where all its values come from, beside them.

    A profile's values have the origin that the same file states nearest above them: what a child
    overrides is not its parent's word.
    """

    shape: Shape

    @property
    def expected(self) -> str:
        """Name what the group is."""
        return self.shape.expected

    def fits(self, node: Node) -> bool:
        """Whether it is the group."""
        return self.shape.fits(node)

    def _read(self, node: Node, place: Place) -> Any:
        if isinstance(node, Mapping):
            keys = _origin_keys(self)
            for source in dict.fromkeys(entry.key.span.source.shown for entry in node.entries):
                self._note_origin(_only(node, keys, source), source, place)
            node = node.without(*keys)
        return self.shape.read(node, place)

    def _note_origin(self, stated: Mapping, source: str, place: Place) -> None:
        origin = _ORIGIN.read(stated, place) if stated.entries else None
        if isinstance(origin, dict):
            place.reading.origins[source, place.path] = origin

    def schema(self) -> Schema:
        """Describe the group with the keys of its origin."""
        return _with_origin(self.shape.schema(), _origin_keys(self))


def _with_origin(schema: Schema, keys: tuple[str, ...]) -> Schema:
    if "anyOf" in schema:
        return schema | {"anyOf": [_with_origin(case, keys) for case in schema["anyOf"]]}
    if "properties" not in schema:
        return schema
    origin = {k: part for k, part in _ORIGIN.schema()["properties"].items() if k in keys}
    return schema | {"properties": schema["properties"] | _titled(origin)}


def _titled(properties: Schema) -> Schema:
    return {key: {"title": key} | part for key, part in properties.items()}


def _origin_keys(shape: Shape) -> tuple[str, ...]:
    """Give the keys of an origin that a group takes beside its own, if it takes any."""
    is_sourced = False
    while isinstance(shape, Wrapping):
        is_sourced = is_sourced or isinstance(shape, Sourced)
        shape = shape.shape
    if not is_sourced or not isinstance(shape, Record):
        return ()
    return tuple(key for key in _ORIGIN.fields if key not in shape.fields)


def _only(node: Mapping, keys: tuple[str, ...], source: str) -> Mapping:
    """Give the keys that one of the files that the mapping is made of has written."""
    chosen = (e for e in node.entries if e.key.text in keys and e.key.span.source.shown == source)
    return Mapping(tuple(chosen), node.span)


def _has_items(node: Node) -> bool:
    return isinstance(node, Sequence) and bool(node.items)


def _has_unknown_item(node: Node) -> bool:
    """Whether an item of a list is `unknown`, bare or with its origin."""
    for item in node.items if isinstance(node, Sequence) else ():
        value = item.get("value") if isinstance(item, Mapping) else None
        if _is_unknown(value.value if value is not None else item):
            return True
    return False


def _is_list_of_groups(shape: Shape) -> bool:
    """Whether the leaves are the items' values, and not the list."""
    item = shape.item if isinstance(shape, ListOf) else None
    cases = item.cases if isinstance(item, Either) else (item,)
    return any(isinstance(case, Sourced) for case in cases)


def _is_unknown(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text == UNKNOWN


def merge(parent: Node, child: Node, shape: Shape) -> Node:
    """Lay a child's values over its parent's: groups of keys join, leaves are replaced.

    Each file keeps its word on where its values come from, so such a key may then stand twice.
    """
    inner = bare(shape)
    is_group = isinstance(inner, Record | MappingOf)
    if not (is_group and isinstance(parent, Mapping) and isinstance(child, Mapping)):
        return child
    origin_keys = _origin_keys(shape)
    origins = [entry for entry in parent.entries if entry.key.text in origin_keys]
    entries = {entry.key.text: entry for entry in parent.without(*origin_keys).entries}
    for entry in child.entries:
        key = entry.key.text
        if key in origin_keys:
            origins.append(entry)
            continue
        known = inner.fields.get(key) if isinstance(inner, Record) else None
        below = known.shape if known else inner.value if isinstance(inner, MappingOf) else None
        if key in entries and below is not None:
            joined = merge(entries[key].value, entry.value, below)
            entries[key] = Entry(entry.key, joined)
        else:
            entries[key] = entry
    return Mapping((*origins, *entries.values()), child.span)
