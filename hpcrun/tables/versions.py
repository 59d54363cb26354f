"""Comparing version numbers as rows of tables need it; does not know any product."""

import re
from functools import cache

from pydantic import model_validator

from hpcrun.model.base import Value

_LEADING_NUMBERS = re.compile(r"\D*?(\d+(?:\.\d+)*)")

_DIGITS_MAX = 18


@cache
def version_key(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: `5.0.11rc1` and `v5.0.11` are (5, 0, 11).

    A release candidate counts as its release; a text without a number as older than everything.
    """
    match = _LEADING_NUMBERS.match(text)
    if match is None:
        return ()
    numbers = [_number(part) for part in match.group(1).split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _number(digits: str) -> int:
    """Return a number of a version; an image may hold one that int() refuses to read."""
    return int(digits) if len(digits) <= _DIGITS_MAX else 10**_DIGITS_MAX


def is_within(version: str, since: str, before: str) -> bool:
    """Whether a version lies from `since` up to, but without, `before`."""
    return version_key(since) <= version_key(version) < version_key(before)


def is_same(version: str, other: str) -> bool:
    """Whether two versions are the same; a release candidate counts as its release."""
    return version_key(version) == version_key(other)


class VersionRange(Value):
    """Versions from `since` up to, but without, `before`."""

    since: str
    before: str

    @model_validator(mode="after")
    def _check_order(self) -> "VersionRange":
        if version_key(self.since) >= version_key(self.before):
            raise ValueError(f"`{self.since}` is not older than `{self.before}`")
        return self

    def holds(self, version: str) -> bool:
        """Whether the version lies in the range."""
        return is_within(version, self.since, self.before)
