"""The shape of a mapping whose keys are all known; names none of them itself."""

from collections.abc import Mapping as Table
from dataclasses import field
from itertools import zip_longest
from typing import Any, ClassVar, NamedTuple

from hpcrun.loading.groups import Either
from hpcrun.loading.nodes import Entry, Mapping, Scalar
from hpcrun.loading.problems import FileRule, likely, nearest, shorten, sure
from hpcrun.loading.shapes import NOTHING, Place, Schema, Shape, bare, shape
from hpcrun.model.diagnostic import Help

MAX_GUESSES = 50
"""Finding the nearest word is slow; a mapping with more wrong keys is something else altogether."""


class Field(NamedTuple):
    """One key of a record."""

    shape: Shape
    is_required: bool = False
    about: str = ""
    """One line for people who read the schema or an editor's hint."""
    probe: str = ""
    """Command or file on the site that would tell it."""


class OneOf(NamedTuple):
    """Keys of which at most one may stand, or exactly one."""

    keys: tuple[str, ...]
    is_required: bool = False


@shape
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
                continue
            below = place.below(entry.key.text, entry.key.span, is_optional=not known.is_required)
            place.reading.key_spans[below.path] = entry.key.span
            place.reading.value_spans[below.path] = entry.value.span
            values[entry.key.text] = known.shape.read(entry.value, below)
        strangers = [entry.key for entry in node.entries if entry.key.text not in self.fields]
        meant = [self._near(key.text) for key in strangers[:MAX_GUESSES]]
        for key, near in zip_longest(strangers, meant):
            self._report_unknown(key, near, place)
        self._report_missing(node, set(meant), place)
        self._report_conflicts(node, place)
        return {key: value for key, value in values.items() if value is not NOTHING}

    def _report_unknown(self, key: Scalar, near: str | None, place: Place) -> None:
        names = ", ".join(f"`{name}`" for name in self.fields)
        place.reading.problems.report(
            FileRule.UNKNOWN_KEY,
            key.span,
            message=f"unknown key `{shorten(key.text)}` in {place.shown}",
            found=[f"keys here: {names}"],
            helps=[self._suggest(near)],
        )

    def _suggest(self, near: str | None) -> Help:
        if near in self.fields or near in self.also or near in self.meant.values():
            return likely(f"did you mean `{near}`?")
        return sure(f"it belongs one level down: `{near}`" if near else "remove the key")

    def _near(self, key: str) -> str | None:
        """Give the key that was probably meant, or the place where this one belongs."""
        meant = self.meant.get(key.lower().replace("-", "_"))
        below = (f"{name}.{key}" for name, f in self.fields.items() if _holds(f.shape, key))
        return meant or next(below, None) or nearest(key, [*self.fields, *self.also])

    def _report_missing(self, node: Mapping, near: set[str | None], place: Place) -> None:
        """Report keys that must stand, but not those that stand there misspelt."""
        needed = [
            OneOf((key,), is_required=True) for key, f in self.fields.items() if f.is_required
        ]
        for rule in (*needed, *(rule for rule in self.one_of if rule.is_required)):
            if any(node.get(key) or key in near for key in rule.keys):
                continue
            what = " or ".join(f"`{key}`" for key in rule.keys)
            shapes = " or ".join(self.fields[key].shape.expected for key in rule.keys)
            place.reading.problems.report(
                FileRule.MISSING_KEY,
                place.key_span,
                message=f"{place.shown} lacks the key {what}",
                found=[f"keys given: {_names(node)}"],
                helps=[f"write {what}: {shapes}"],
            )

    def _report_conflicts(self, node: Mapping, place: Place) -> None:
        for rule in self.one_of:
            given = [entry for key in rule.keys if (entry := node.get(key))]
            if len(given) > 1:
                names = " and ".join(f"`{key}`" for key in rule.keys)
                self._report_conflict(given, names, place)

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
    inner = bare(shape)
    cases = inner.cases if isinstance(inner, Either) else (inner,)
    return any(isinstance(case, Record) and key in case.fields for case in cases)


def _names(node: Mapping) -> str:
    return ", ".join(f"`{shorten(entry.key.text)}`" for entry in node.entries[:20]) or "none"


def _described(known: Field) -> Schema:
    about: Schema = {"description": known.about} if known.about else {}
    probe: Schema = {"x-probe": known.probe} if known.probe else {}
    return about | probe | known.shape.schema()


def _one_of_schema(rule: OneOf) -> Schema:
    each: list[Schema] = [{"required": [key]} for key in rule.keys]
    if rule.is_required:
        return {"oneOf": each}
    return {"not": {"required": list(rule.keys)}}
