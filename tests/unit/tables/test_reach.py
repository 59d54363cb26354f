"""Rows of which the first that fits decides: none stands behind another that covers it whole."""

from pathlib import Path
from typing import Any

import pytest

from hpcrun.tables.rows import read_table_json
from hpcrun.tables.versions import version_key
from tests.tools.compile_tables import tables

SAID = {"id", "source", "reason", "answer", "outcome", "is_silent", "is_risky", "note"}
"""What a row says, as against what it is about."""
OLDEST, NEWEST = "0", "9999"


def ends(row: dict[str, Any]) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the ranges of versions that a row is about, by what they are versions of."""
    stems = {
        key.removesuffix(word).rstrip("_")
        for word in ("since", "before")
        for key in row
        if key == word or key.endswith(f"_{word}")
    }
    keys = {stem: (f"{stem}_since".lstrip("_"), f"{stem}_before".lstrip("_")) for stem in stems}
    return {
        stem: (
            version_key(str(row.get(since) or OLDEST)),
            version_key(str(row.get(before) or NEWEST)),
        )
        for stem, (since, before) in keys.items()
    }


def covers(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether whatever the second row is about is decided by the first one."""
    ranges, inner = ends(first), ends(second)
    about = {k: v for k, v in first.items() if k not in SAID and not is_end(k)}
    if any(second.get(key) != value for key, value in about.items()):
        return False
    whole = (version_key(OLDEST), version_key(NEWEST))
    return all(
        low <= inner.get(stem, whole)[0] and inner.get(stem, whole)[1] <= high
        for stem, (low, high) in ranges.items()
    )


def is_end(key: str) -> bool:
    return key in ("since", "before") or key.endswith(("_since", "_before"))


@pytest.mark.parametrize("table", list(tables()), ids=lambda path: path.stem)
def test_no_row_is_hidden_by_an_earlier_one(table: Path) -> None:
    content = read_table_json(table)
    lists = [rows for rows in content.values() if isinstance(rows, list)]
    hidden = [
        (first.get("id"), second.get("id"))
        for rows in lists
        if any(is_end(key) for row in rows for key in row)
        for index, second in enumerate(rows)
        for first in rows[:index]
        if covers(first, second)
    ]
    assert hidden == []


def test_covered_row_is_told() -> None:
    whole = {"id": "all", "family": "x", "since": "1", "before": "9"}
    part = {"id": "part", "family": "x", "since": "2", "before": "3", "answer": "unknown"}
    assert covers(whole, part)
    assert not covers(part, whole)
    assert not covers(whole, part | {"family": "y"})
    assert not covers(whole, part | {"before": "10"})
    assert covers({"id": "any", "family": "x"}, part)
