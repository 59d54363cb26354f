"""Shapes of lists, of mappings with free names, and of alternatives; names no keys."""

import re
import sys
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from hpcrun.loading import scalars
from hpcrun.loading.leaves import ANY_TEXT, MAX_INTEGER, Boolean, Integer, Leaf, Number, Text
from hpcrun.loading.nodes import Mapping, Node, Scalar, Sequence
from hpcrun.loading.problems import FileRule, did_you_mean, shorten
from hpcrun.loading.shapes import NOTHING, Place, Schema, Shape, refuse_empty, shape

ANY_KEY = r"[\s\S]*"


@shape
class ListOf(Shape):
    """A list of values of one shape."""

    item: Shape
    minimum: int = 0
    expected: str = "a list"
    kinds: ClassVar[tuple[type, ...]] = (Sequence,)

    def _read(self, node: Sequence, place: Place) -> Any:
        if len(node.items) < self.minimum:
            return refuse_empty(self, node, place)
        values = []
        for index, item in enumerate(node.items):
            below = place.below(str(index), item.span)
            place.reading.value_spans[below.path] = item.span
            values.append(self.item.read(item, below))
        return [value for value in values if value is not NOTHING]

    def schema(self) -> Schema:
        """Describe the items."""
        schema: Schema = {"type": "array", "items": self.item.schema()}
        return schema | {"minItems": self.minimum} if self.minimum else schema


class Forbidden(NamedTuple):
    """Names that cannot be keys here, with the reason and what to use instead."""

    pattern: str
    why: str
    instead: str


@shape
class MappingOf(Shape):
    """A mapping from names that the person chooses to values of one shape."""

    value: Shape
    name: str = "a name"
    """What a key is, for a message: `an environment variable's name`."""
    pattern: str = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
    names: tuple[str, ...] = ()
    """All names there are, where only some can be meant."""
    forbidden: Callable[[], tuple[Forbidden, ...]] = tuple
    """Read when it is needed: it stands in a table."""
    minimum: int = 0
    expected: str = "a mapping"
    kinds: ClassVar[tuple[type, ...]] = (Mapping,)

    def fits(self, node: Node) -> bool:
        """Whether it is a mapping, and with one of the names where there are only some."""
        if not isinstance(node, Mapping):
            return False
        return not self.names or any(entry.key.text in self.names for entry in node.entries)

    def _read(self, node: Mapping, place: Place) -> Any:
        if len(node.entries) < self.minimum:
            return refuse_empty(self, node, place)
        values = {}
        for entry in node.entries:
            below = place.below(entry.key.text, entry.key.span)
            place.reading.key_spans[below.path] = entry.key.span
            place.reading.value_spans[below.path] = entry.value.span
            if self._takes(entry.key, place):
                values[entry.key.text] = self.value.read(entry.value, below)
        return {name: value for name, value in values.items() if value is not NOTHING}

    def _takes(self, key: Scalar, place: Place) -> bool:
        for forbidden in self.forbidden():
            if re.fullmatch(forbidden.pattern, key.text):
                place.reading.problems.report(
                    FileRule.OWNED_SETTING,
                    key.span,
                    message=f"`{shorten(key.text)}` cannot be set in {place.shown}",
                    found=[forbidden.why],
                    helps=[forbidden.instead],
                )
                return False
        if key.text in self.names or (not self.names and re.fullmatch(self.pattern, key.text)):
            return True
        known = ", ".join(f"`{name}`" for name in self.names)
        place.reading.problems.report(
            FileRule.UNKNOWN_KEY if self.names else FileRule.WRONG_VALUE,
            key.span,
            message=f"`{shorten(key.text)}` in {place.shown} is not {self.name}",
            found=[f"names here: {known}" if known else f"{self.name} matches `{self.pattern}`"],
            helps=did_you_mean(key.text, self.names) or [f"write {self.name}"],
        )
        return False

    def schema(self) -> Schema:
        """Describe names and values."""
        names: Schema = {"pattern": f"^({self.pattern})$"}
        if self.names:
            names = {"enum": list(self.names)}
        forbidden = "|".join(f.pattern for f in self.forbidden())
        if forbidden:
            names["not"] = {"pattern": f"^({forbidden})$"}
        schema: Schema = {
            "type": "object",
            "propertyNames": names,
            "additionalProperties": self.value.schema(),
        }
        return schema | {"minProperties": self.minimum} if self.minimum else schema


@shape
class Either(Shape):
    """One of several shapes, told apart by the kind of node; the last one takes the blame."""

    cases: tuple[Shape, ...]
    expected: str

    def fits(self, node: Node) -> bool:
        """Whether any case is about such a node."""
        return any(case.fits(node) for case in self.cases)

    def _read(self, node: Node, place: Place) -> Any:
        return next(c for c in self.cases if c.fits(node)).read(node, place)

    def schema(self) -> Schema:
        """Describe all cases."""
        return {"anyOf": [case.schema() for case in self.cases]}


@shape
class Anything(Shape):
    """Values that hpcrun keeps without knowing them, read as YAML 1.2 reads them."""

    expected: str = "a value"

    def fits(self, node: Node) -> bool:
        """Whether there is a value at all."""
        return not isinstance(node, Scalar) or bool(node.text) or not node.is_plain

    def _read(self, node: Node, place: Place) -> Any:
        if isinstance(node, Mapping):
            return MappingOf(self, pattern=ANY_KEY).read(node, place)
        if isinstance(node, Sequence):
            return ListOf(self).read(node, place)
        return (
            None if isinstance(node, Scalar) and node.is_null else _leaf_for(node).read(node, place)
        )

    def schema(self) -> Schema:
        """Describe nothing."""
        return {}


def _leaf_for(node: Node) -> Leaf:
    text = node.text if isinstance(node, Scalar) and node.is_plain else ""
    match scalars.kind_of(text):
        case "bool":
            return Boolean()
        case "number" if scalars.CANONICAL_INTEGER.fullmatch(text):
            return Integer(minimum=-MAX_INTEGER)
        case "number":
            return Number(minimum=-sys.float_info.max)
        case _:
            return Text(pattern=ANY_TEXT, is_empty_allowed=True)
