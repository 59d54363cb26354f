"""What all values of the model share; does no input or output."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeGuard, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

T = TypeVar("T")

UNKNOWN: Literal["unknown"] = "unknown"
"""A fact that nobody has stated or measured. It is never taken for `no`."""

Unknown = Literal["unknown"]


class Value(BaseModel):
    """A frozen value whose fields are all known to the model; JSON keys are its field names.

    A default that is such a value is made by `model_construct()`: without checks, since checking
    one takes building its schema at each start, also where no file leaves the key out.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_inf_nan="strings", defer_build=True
    )

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON types."""
        return self.model_dump(mode="json")


def is_known(fact: T | Unknown) -> TypeGuard[T]:
    """Whether a fact was stated or measured."""
    return fact != UNKNOWN


def known(fact: T | Unknown) -> T | None:
    """Return the fact, or None where it is unknown."""
    return fact if is_known(fact) else None


def _without_control_characters(text: str) -> str:
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):  # noqa: PLR2004
        raise ValueError("must be one line without control characters")
    return text


Line = Annotated[str, AfterValidator(_without_control_characters)]
"""Text that may reach one line of a script or a terminal."""

Table = Mapping[str, T]
