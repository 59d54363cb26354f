"""Shapes of single values: texts, numbers, durations; names no keys."""

import re
from collections.abc import Callable
from collections.abc import Sequence as Items
from datetime import date
from typing import Any

from hpcrun import units
from hpcrun.loading import scalars
from hpcrun.loading.nodes import Node, Scalar
from hpcrun.loading.problems import FileRule, did_you_mean, shorten
from hpcrun.loading.shapes import Place, Schema, Shape, Wrapping, describe, shape, wrong_kind
from hpcrun.model.diagnostic import Help

ANY_TEXT = r"[\s\S]*"

ONE_LINE = r"[^\u0000-\u001f\u007f]*"
"""No control characters; what `hpcrun.model.base.Line` holds."""

MAX_INTEGER = 2**31 - 1
"""Slurm counts in 32 bits."""

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


class Leaf(Shape):
    """A shape of single values."""

    def _ambiguous(self, node: Scalar, place: Place, *, why: str, helps: Items[str | Help]) -> Any:
        """Refuse a scalar that can be read in more than one way."""
        return place.refuse(
            node,
            rule=FileRule.AMBIGUOUS_SCALAR,
            message=f"`{shorten(node.text)}` as {place.shown} can be read in more than one way",
            found=why,
            helps=helps,
        )


@shape
class Text(Leaf):
    """Text; plain scalars only where every YAML reader takes them as that text."""

    expected: str = "text"
    pattern: str = ONE_LINE
    is_empty_allowed: bool = False
    help: str = ""
    """What to do where the pattern does not hold."""
    takes_numbers: bool = False
    """Whether a number that reads back as written may stand for its text."""

    def _read(self, node: Scalar, place: Place) -> Any:
        doubt = scalars.text_doubt(node.text) if node.is_plain else None
        if doubt and not (self.takes_numbers and scalars.is_faithful_number(node.text)):
            quoted = f'put it in quotes: "{node.text}"'
            return self._ambiguous(node, place, why=doubt, helps=[quoted])
        if not self._holds(node.text):
            return self._refuse(node, place)
        return node.text

    def _holds(self, text: str) -> bool:
        return bool(text or self.is_empty_allowed) and bool(re.fullmatch(self.pattern, text))

    def _refuse(self, node: Scalar, place: Place) -> Any:
        return place.refuse(
            node,
            message=f"{place.shown} must be {self.expected}",
            found=describe(node),
            helps=[self._help_for(node.text)],
        )

    def _help_for(self, text: str) -> str:
        if self.pattern != ANY_TEXT and not re.fullmatch(ONE_LINE, text):
            return "write one line without tabs or other control characters"
        return self.help or f"write {self.expected}"

    def schema(self) -> Schema:
        """Describe the pattern."""
        schema: Schema = {"type": ["string", "number"] if self.takes_numbers else "string"}
        if not self.is_empty_allowed:
            schema["minLength"] = 1
        return schema | {"pattern": f"^({self.pattern})$"}


@shape
class Version(Text):
    """A version; `24.10` must be quoted, since as a number it is 24.1."""

    expected: str = "a version"


@shape
class Choice(Leaf):
    """One of a few words."""

    words: tuple[str, ...]
    besides: str = ""
    """What else may stand at the place, for messages."""

    @property
    def expected(self) -> str:
        """Name what may be written."""
        words = ", ".join(f"`{word}`" for word in self.words)
        return f"{words} or {self.besides}" if self.besides else words

    def _read(self, node: Scalar, place: Place) -> Any:
        if node.text in self.words:
            return node.text
        return place.refuse(
            node,
            message=f"{place.shown} cannot be `{shorten(node.text)}`",
            found=f"`{shorten(node.text)}`",
            helps=did_you_mean(node.text, self.words) or [f"write one of {self.expected}"],
        )

    def schema(self) -> Schema:
        """Describe the words."""
        return {"enum": list(self.words)}


@shape
class Boolean(Leaf):
    """`true` or `false`."""

    expected: str = "`true` or `false`"

    def _read(self, node: Scalar, place: Place) -> Any:
        if node.is_plain and scalars.kind_of(node.text) == "bool":
            return scalars.bool_of(node.text)
        if scalars.is_old_bool(node.text):
            word = "true" if node.text.lower() in ("y", "yes", "on") else "false"
            why = f"YAML 1.1 reads `{node.text}` as {word}, YAML 1.2 as text"
            return self._ambiguous(node, place, why=why, helps=[f"write `{word}`"])
        return wrong_kind(self, node, place)

    def schema(self) -> Schema:
        """Describe a boolean."""
        return {"type": "boolean"}


@shape
class Integer(Leaf):
    """A whole number within bounds."""

    minimum: int = 0
    maximum: int = MAX_INTEGER

    @property
    def expected(self) -> str:
        """Name what may be written."""
        if self.minimum == self.maximum:
            return f"`{self.minimum}`"
        return f"a whole number from {self.minimum}"

    def _read(self, node: Scalar, place: Place) -> Any:
        is_number = node.is_plain and scalars.CANONICAL_INTEGER.fullmatch(node.text)
        if not is_number or len(node.text) > len(str(self.maximum)) + 1:
            return self._refuse(node, place)
        number = int(node.text)
        if not self.minimum <= number <= self.maximum:
            limit = self.maximum if number > self.maximum else self.minimum
            side = "most" if number > self.maximum else "least"
            return place.refuse(
                node,
                message=f"{place.shown} must be at {side} {limit}",
                found=f"`{number}`",
                helps=[f"write {self.expected}"],
            )
        return number

    def _refuse(self, node: Scalar, place: Place) -> Any:
        doubt = scalars.number_doubt(node.text) if node.is_plain else None
        if doubt is None and node.is_plain and re.fullmatch(r"-?[0-9]+\.0+", node.text):
            doubt = "the number is written as a fraction"
        if doubt:
            help_text = "write the number in decimal digits alone"
            return self._ambiguous(node, place, why=doubt, helps=[help_text])
        if not node.is_plain and scalars.CANONICAL_INTEGER.fullmatch(node.text):
            return place.refuse(
                node,
                message=f"{place.shown} must be {self.expected}",
                found=f'the text "{shorten(node.text)}"',
                helps=["leave the quotes out"],
            )
        return wrong_kind(self, node, place)

    def schema(self) -> Schema:
        """Describe the bounds."""
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


@shape
class Number(Leaf):
    """A number with or without fraction."""

    expected: str = "a number"
    minimum: float = 0

    def _read(self, node: Scalar, place: Place) -> Any:
        if not node.is_plain:
            return wrong_kind(self, node, place)
        doubt = scalars.number_doubt(node.text)
        if doubt:
            help_text = "write the number as in JSON, for example `0.5`"
            return self._ambiguous(node, place, why=doubt, helps=[help_text])
        if not scalars.JSON_NUMBER.fullmatch(node.text) or float(node.text) < self.minimum:
            return wrong_kind(self, node, place)
        return float(node.text)

    def schema(self) -> Schema:
        """Describe the number."""
        return {"type": "number", "minimum": self.minimum}


@shape
class Quantity(Leaf):
    """A duration or a memory size: text, or a whole number of the base unit."""

    expected: str
    pattern: str
    help: str
    parse: Callable[[str], int]

    def _read(self, node: Scalar, place: Place) -> Any:
        doubt = scalars.number_doubt(node.text) if node.is_plain else None
        if doubt:
            return self._ambiguous(node, place, why=doubt, helps=[self.help])
        if not re.fullmatch(self.pattern, node.text):
            return place.refuse(
                node,
                message=f"{place.shown} must be {self.expected} above zero",
                found=f"`{shorten(node.text)}`",
                helps=[self.help],
            )
        return self.parse(node.text)

    def schema(self) -> Schema:
        """Describe both forms."""
        number = {"type": "integer", "minimum": 1, "maximum": 9_999_999}
        return {"anyOf": [{"type": "string", "pattern": f"^({self.pattern})$"}, number]}


_ABOVE_ZERO = "(?=.*[1-9])"

DURATION = Quantity(
    expected="a duration",
    pattern=f"{_ABOVE_ZERO}({units.SLURM_DURATION_PATTERN}|{units.WORDY_DURATION_PATTERN})",
    help=units.DURATION_HELP,
    parse=units.parse_duration_s,
)
MEMORY = Quantity(
    expected="a memory size",
    pattern=f"{_ABOVE_ZERO}({units.MEMORY_PATTERN})",
    help=units.MEMORY_HELP,
    parse=units.parse_memory_mib,
)


@shape
class Day(Leaf):
    """A date, quoted or not."""

    expected: str = "a date such as 2026-11-20"

    def _read(self, node: Scalar, place: Place) -> Any:
        if re.fullmatch(_DAY, node.text):
            try:
                return date.fromisoformat(node.text)
            except ValueError:
                pass
        return wrong_kind(self, node, place)

    def schema(self) -> Schema:
        """Describe the form and the days that exist."""
        return {"type": "string", "format": "date", "pattern": f"^{_DAY}$"}


@shape
class Nullable(Wrapping):
    """The value of another shape, or `null`."""

    shape: Shape

    @property
    def expected(self) -> str:
        """Name both."""
        return f"{self.shape.expected} or `null`"

    def fits(self, node: Node) -> bool:
        """Whether the node is for the other shape, or null."""
        return self.shape.fits(node) or (isinstance(node, Scalar) and node.is_null)

    def _read(self, node: Node, place: Place) -> Any:
        if isinstance(node, Scalar) and node.is_null:
            return None if node.text else wrong_kind(self, node, place)
        return self.shape.read(node, place)

    def schema(self) -> Schema:
        """Describe either."""
        return {"anyOf": [self.shape.schema(), {"type": "null"}]}
