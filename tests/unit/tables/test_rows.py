"""Tables: fresh twins, sources in every row, wrong tables refused, edits seen at once."""

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from hpcrun.tables.rows import Document, Row, load_table, parse_table
from tests.tools.compile_tables import compiled, tables

TABLES = list(tables())


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_compiled_twin_is_fresh(table: Path) -> None:
    """Mend it by: python -m tests.tools.compile_tables."""
    twin = table.with_suffix(".json")
    assert twin.is_file()
    assert twin.read_text(encoding="utf-8") == compiled(table)


def test_compiled_twins_belong_to_tables() -> None:
    twins = {path.stem for path in TABLES[0].parent.glob("*.json")}
    assert twins == {path.stem for path in TABLES}


def rows_of(node: object) -> Iterator[dict[str, object]]:
    if isinstance(node, list):
        for item in node:
            if isinstance(item, dict):
                yield item
    elif isinstance(node, dict):
        for value in node.values():
            yield from rows_of(value)


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_every_table_is_dated_and_every_row_has_its_source(table: Path) -> None:
    content = parse_table(table.read_bytes())
    assert date.fromisoformat(content["as_of"]) <= date(2026, 11, 20)
    assert [row for row in rows_of(content) if not row.get("source")] == []


class Thing(Row):
    name: str


class Things(Document):
    things: tuple[Thing, ...]


TEXT = "as_of: 2026-11-20\nthings:\n  - {name: one, source: here}\n"


def write(folder: Path, text: str, twin: dict[str, object] | None = None) -> None:
    (folder / "things.yaml").write_text(text, encoding="utf-8")
    if twin is not None:
        (folder / "things.json").write_text(json.dumps(twin), encoding="utf-8")


def test_table_without_twin_is_read_from_yaml(tmp_path: Path) -> None:
    write(tmp_path, TEXT)
    loaded = load_table("things", Things, folder=tmp_path)
    assert loaded.things == (Thing(name="one", source="here"),)


def test_table_with_a_fresh_twin_is_read_from_it(tmp_path: Path) -> None:
    digest = hashlib.sha256(TEXT.encode()).hexdigest()
    table = {"as_of": "2026-11-20", "things": [{"name": "twin", "source": "here"}]}
    write(tmp_path, TEXT, {"sha256": digest, "table": table})
    assert load_table("things", Things, folder=tmp_path).things[0].name == "twin"


def test_table_that_was_edited_since_its_twin_counts(tmp_path: Path) -> None:
    table = {"as_of": "2026-11-20", "things": [{"name": "twin", "source": "here"}]}
    write(tmp_path, TEXT, {"sha256": "0" * 64, "table": table})
    assert load_table("things", Things, folder=tmp_path).things[0].name == "one"


WRONG = {
    "no-source": "as_of: 2026-11-20\nthings: [{name: one}]\n",
    "empty-source": "as_of: 2026-11-20\nthings: [{name: one, source: ''}]\n",
    "unknown-key": "as_of: 2026-11-20\nthings: [{name: one, source: x, nmae: y}]\n",
    "no-date": "things: [{name: one, source: x}]\n",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_wrong_table_is_refused(text: str, tmp_path: Path) -> None:
    write(tmp_path, text)
    with pytest.raises(ValidationError):
        load_table("things", Things, folder=tmp_path)
