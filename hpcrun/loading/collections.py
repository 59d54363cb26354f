"""Shapes of mappings and lists; names no keys."""

import re
from collections.abc import Callable
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hpcrun.loading import scalars
from hpcrun.loading.leaves import ANY_TEXT, MAX_INTEGER, Boolean, Integer, Leaf, Number, Text
from hpcrun.loading.nodes import Entry, Mapping, Node, Scalar, Sequence
from hpcrun.loading.problems import FileRule, did_you_mean, likely, shorten, sure
from hpcrun.loading.shapes import NOTHING, Place, Schema, Shape
from hpcrun.model.diagnostic import Help

ANY_KEY = r"[\s\S]+"


@dataclass(frozen=True)
class ListOf(Shape):
    """A list of values of one shape."""

    item: Shape
    minimum: int = 0
    expected: str = "a list"
    kinds: ClassVar[tuple[type, ...]] = (Sequence,)

    def _read(self, node: Sequence, place: Place) -> Any:
        if len(node.items) < self.minimum:
            return place.refuse(
                node,
                message=f"{place.shown} must not be empty",
                found="an empty list",
                helps=[f"write {self.expected}"],
            )
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


@dataclass(frozen=True)
class Forbidden:
    """Names that cannot be keys here, with the reason and what to use instead."""

    pattern: str
    why: str
    instead: str


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Field:
    """One key of a record."""

    shape: Shape
    is_required: bool = False
    about: str = ""
    """One line for people who read the schema or an editor's hint."""


@dataclass(frozen=True)
class OneOf:
    """Keys of which at most one may stand, or exactly one."""

    keys: tuple[str, ...]
    is_required: bool = False


@dataclass(frozen=True)
class Record(Shape):
    """A mapping whose keys are all known."""

    fields: Table[str, Field]
    one_of: tuple[OneOf, ...] = ()
    meant: Table[str, str] = field(default_factory=dict)
    """Wrong keys that people write, and what they mean."""
    also: tuple[str, ...] = ()
    """Further names to suggest, which make the value one of another shape."""
    expected: str = "a mapping"
    kinds: ClassVar[tuple[type, ...]] = (Mapping,)

    def _read(self, node: Mapping, place: Place) -> Any:
        values = {}
        for entry in node.entries:
            known = self.fields.get(entry.key.text)
            if known is None:
                self._report_unknown(entry.key, place)
                continue
            below = place.below(entry.key.text, entry.key.span)
            place.reading.key_spans[below.path] = entry.key.span
            place.reading.value_spans[below.path] = entry.value.span
            values[entry.key.text] = known.shape.read(entry.value, below)
        self._report_missing(node, place)
        self._report_conflicts(node, place)
        return {key: value for key, value in values.items() if value is not NOTHING}

    def _report_unknown(self, key: Scalar, place: Place) -> None:
        names = ", ".join(f"`{name}`" for name in self.fields)
        place.reading.problems.report(
            FileRule.UNKNOWN_KEY,
            key.span,
            message=f"unknown key `{shorten(key.text)}` in {place.shown}",
            found=[f"keys here: {names}"],
            helps=self._suggest(key.text),
        )

    def _suggest(self, key: str) -> list[Help]:
        meant = self.meant.get(key.lower().replace("-", "_"))
        if meant:
            return [likely(f"did you mean `{meant}`?")]
        elsewhere = [f"{name}.{key}" for name, f in self.fields.items() if _holds(f.shape, key)]
        if elsewhere:
            return [sure(f"it belongs one level down: `{elsewhere[0]}`")]
        close = did_you_mean(key, [*self.fields, *self.also])
        return close or [sure("remove the key")]

    def _report_missing(self, node: Mapping, place: Place) -> None:
        for key, known in self.fields.items():
            if known.is_required and node.get(key) is None:
                place.reading.problems.report(
                    FileRule.MISSING_KEY,
                    place.key_span,
                    message=f"{place.shown} lacks the key `{key}`",
                    found=[f"keys given: {_names(node)}"],
                    helps=[f"write `{key}: …`, {known.shape.expected}"],
                )

    def _report_conflicts(self, node: Mapping, place: Place) -> None:
        for rule in self.one_of:
            given = [entry for key in rule.keys if (entry := node.get(key))]
            names = " and ".join(f"`{key}`" for key in rule.keys)
            if len(given) > 1:
                self._report_conflict(given, names, place)
            elif rule.is_required and not given:
                place.reading.problems.report(
                    FileRule.MISSING_KEY,
                    place.key_span,
                    message=f"{place.shown} lacks one of {names}",
                    found=[f"keys given: {_names(node)}"],
                    helps=[f"write one of {names}"],
                )

    def _report_conflict(self, given: list[Entry], names: str, place: Place) -> None:
        last = max(given, key=lambda entry: (entry.key.span.line, entry.key.span.column))
        place.reading.problems.report(
            FileRule.CONFLICTING_KEYS,
            last.key.span,
            message=f"{names} exclude each other",
            found=[f"`{e.key.text}` in line {e.key.span.line}" for e in given],
            helps=["keep one of them"],
        )

    def schema(self) -> Schema:
        """Describe the keys and what they exclude."""
        schema: Schema = {
            "type": "object",
            "additionalProperties": False,
            "properties": {key: _described(f) for key, f in self.fields.items()},
        }
        required = [key for key, f in self.fields.items() if f.is_required]
        if required:
            schema["required"] = required
        rules = [_one_of_schema(rule) for rule in self.one_of]
        return schema | {"allOf": rules} if rules else schema


def _holds(shape: Shape, key: str) -> bool:
    cases = shape.cases if isinstance(shape, Either) else (shape,)
    return any(isinstance(case, Record) and key in case.fields for case in cases)


def _names(node: Mapping) -> str:
    return ", ".join(f"`{shorten(entry.key.text)}`" for entry in node.entries[:20]) or "none"


def _described(known: Field) -> Schema:
    about: Schema = {"description": known.about} if known.about else {}
    return about | known.shape.schema()


def _one_of_schema(rule: OneOf) -> Schema:
    each: list[Schema] = [{"required": [key]} for key in rule.keys]
    if rule.is_required:
        return {"oneOf": each}
    return {"not": {"required": list(rule.keys)}}


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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
            return Number()
        case _:
            return Text(pattern=ANY_TEXT, is_empty_allowed=True)
