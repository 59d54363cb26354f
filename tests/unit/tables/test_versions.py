"""Versions compare by their numbers, whatever stands in their place."""

import pytest

from hpcrun.tables.versions import is_within, version_key


@pytest.mark.parametrize(
    ("text", "key"),
    [("5.0.11rc1", (5, 0, 11)), ("v5.0", (5,)), ("none", ()), ("", ()), ("3..4", (3,))],
)
def test_leading_numbers_count(text: str, key: tuple[int, ...]) -> None:
    assert version_key(text) == key


def test_number_that_nobody_writes_is_newer_than_all_and_no_bug() -> None:
    assert version_key("9" * 5000) > version_key("9" * 17)
    assert not is_within(f"12.{'9' * 5000}", "11", "12.9")
