"""What a shape is: it reads a node into a value, and says the same as JSON Schema; names no keys.

One description serves loader and schema, so that they cannot differ.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence as Items
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, TypeVar, dataclass_transform

from hpcrun.loading.nodes import Mapping, Node, Refused, Scalar, Sequence
from hpcrun.loading.problems import FileRule, Problems, shorten
from hpcrun.loading.source import Span
from hpcrun.model.diagnostic import Help

Schema = dict[str, Any]


class _Nothing(Enum):
    NOTHING = "nothing"


NOTHING: Final = _Nothing.NOTHING
"""No value: what stands there was reported, or the field keeps its default."""


@dataclass
class Reading:
    """What one reading of a file gathers beside the values."""

    problems: Problems
    value_spans: dict[str, Span] = field(default_factory=dict)
    key_spans: dict[str, Span] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What leaves of a profile say of themselves."""
    origins: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """What a file says of a group of leaves, by file and path."""
    leaves: list[str] = field(default_factory=list)
    """Leaves of a profile that are known, and the items of those that are lists."""
    unknowns: list[str] = field(default_factory=list)


class Place(NamedTuple):
    """Where a value stands: its dotted path, the key before it, and the reading it is part of."""

    path: str
    key_span: Span
    """The key, or the item itself in a list; whole collections are marked there."""
    reading: Reading
    is_optional: bool = False
    """Whether the key could be left out."""

    def below(self, name: str, key_span: Span, *, is_optional: bool = False) -> "Place":
        """Give the place of a part."""
        path = f"{self.path}.{name}" if self.path else name
        return Place(path, key_span, self.reading, is_optional)

    @property
    def shown(self) -> str:
        """The path for a message."""
        return f"`{shorten(self.path)}`" if self.path else "the file"

    def refuse(
        self,
        node: Node,
        *,
        message: str,
        found: str,
        helps: Items[str | Help],
        rule: FileRule = FileRule.WRONG_VALUE,
    ) -> Any:
        """Report the value that stands here and give NOTHING."""
        span = node.span if isinstance(node, Scalar) else self.key_span
        self.reading.problems.report(rule, span, message=message, found=[found], helps=helps)
        return NOTHING


S = TypeVar("S", bound="Shape")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def shape(cls: type[S]) -> type[S]:
    """Give a shape's class the constructor of its fields, and no more: frozen to the type checker.

    Whatever else a dataclass can have takes 0.3 ms per class at each start.
    """
    return dataclass(eq=False, repr=False, match_args=False)(cls)


class Shape(ABC):
    """What may stand at one place."""

    kinds: ClassVar[tuple[type, ...]] = (Scalar,)

    def read(self, node: Node, place: Place) -> Any:
        """Give the value, or report what is wrong and give NOTHING."""
        if isinstance(node, Refused):
            return NOTHING
        if not self.fits(node):
            return wrong_kind(self, node, place)
        return self._read(node, place)

    def fits(self, node: Node) -> bool:
        """Whether the node is of the kind that this shape is about."""
        return isinstance(node, self.kinds) and not (isinstance(node, Scalar) and node.is_null)

    @abstractmethod
    def _read(self, node: Any, place: Place) -> Any:
        """Read a node that fits."""

    @abstractmethod
    def schema(self) -> Schema:
        """Describe the same values as JSON Schema."""

    if TYPE_CHECKING:
        # Not there at run time: a dataclass would take the property for its field's default.
        @property
        def expected(self) -> str:
            """Name what is meant, for a message: `a whole number`."""


class Wrapping(Shape):
    """A shape that adds something to what another one takes."""

    shape: Shape


def bare(shape: Shape) -> Shape:
    """Give the innermost shape."""
    return bare(shape.shape) if isinstance(shape, Wrapping) else shape


def wrong_kind(shape: Shape, node: Node, place: Place) -> Any:
    """Report a node of the wrong kind."""
    if isinstance(node, Scalar) and node.is_null:
        or_not = ", or leave the key out" if place.is_optional else ""
        return place.refuse(
            node,
            message=f"{place.shown} has no value",
            found="nothing stands after the key" if not node.text else f"`{node.text}`",
            helps=[f"write {shape.expected}{or_not}"],
        )
    return place.refuse(
        node,
        message=f"{place.shown} must be {shape.expected}",
        found=describe(node),
        helps=[f"write {shape.expected}"],
    )


def refuse_empty(shape: Shape, node: Node, place: Place) -> Any:
    """Report a collection that needs parts and has none."""
    return place.refuse(
        node,
        message=f"{place.shown} must not be empty",
        found=f"{describe(node)} without anything in it",
        helps=[f"write {shape.expected}"],
    )


def describe(node: Node) -> str:
    """Name what was found instead."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Scalar):
        return f"`{shorten(node.text)}`" if node.is_plain else f'"{shorten(node.text)}"'
    return "nothing"
