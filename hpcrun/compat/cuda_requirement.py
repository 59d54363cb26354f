"""What an image asks of drivers in NVIDIA_REQUIRE_*, as NVIDIA's container runtime evaluates it.

Alternatives stand between blanks, conditions of one alternative between commas (NVIDIA container
toolkit, internal/requirements). Apptainer's `--nv` does not look at it, `--nvccli` does.
"""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from hpcrun.tables.versions import version_key

_OPERATORS = ("!=", "<=", ">=", "=", "<", ">")
_VERSIONS = frozenset({"cuda", "driver", "arch"})


class _Condition(NamedTuple):
    name: str
    operator: str
    value: str


@cache
def _parse(text: str) -> tuple[tuple[_Condition, ...], ...]:
    """Return the alternatives of a requirement; what is no condition is left out."""
    alternatives = (tuple(filter(None, map(_condition, term.split(",")))) for term in text.split())
    return tuple(term for term in alternatives if term)


def _condition(text: str) -> _Condition | None:
    at = next((index for index, char in enumerate(text) if char in "<>=!"), None)
    if at is None:
        return None
    rest = text[at:]
    operator = next((known for known in _OPERATORS if rest.startswith(known)), None)
    return _Condition(text[:at], operator, rest[len(operator) :]) if operator else None


def is_met(requirement: str, properties: Mapping[str, str]) -> bool | None:
    """Whether properties meet a requirement; None where one that decides is not known."""
    alternatives = _parse(requirement)
    if not alternatives:
        return True
    answers = {_all(term, properties) for term in alternatives}
    if True in answers:
        return True
    return None if None in answers else False


def _all(term: tuple[_Condition, ...], properties: Mapping[str, str]) -> bool | None:
    answers = {_holds(condition, properties) for condition in term}
    if False in answers:
        return False
    return None if None in answers else True


def _holds(condition: _Condition, properties: Mapping[str, str]) -> bool | None:
    own = properties.get(condition.name)
    if own is None:
        return None
    if condition.name not in _VERSIONS:
        is_same = own == condition.value
        return {"=": is_same, "!=": not is_same}.get(condition.operator)
    left, right = version_key(own), version_key(condition.value)
    return {
        "=": left == right,
        "!=": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }[condition.operator]
