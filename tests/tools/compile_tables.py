"""Writes the JSON twins of all tables (hpcrun/tables/rows.py says why); decides nothing.

Usage: python -m tests.tools.compile_tables
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from hpcrun.tables.rows import parse_table

PACKAGE = Path(__file__).resolve().parents[2] / "hpcrun"
TABLES = PACKAGE / "tables"


def tables() -> Iterator[Path]:
    """Yield the YAML files of all tables."""
    yield from sorted(TABLES.glob("*.yaml"))


def compiled(table: Path) -> str:
    """Return what the JSON twin of a table must hold."""
    text = table.read_bytes()
    twin = {
        "generated_by": "tests/tools/compile_tables.py",
        "sha256": hashlib.sha256(text).hexdigest(),
        "table": parse_table(text),
    }
    return json.dumps(twin, separators=(",", ":"), ensure_ascii=False) + "\n"


def main() -> None:
    """Write every twin that is not fresh."""
    for table in tables():
        twin = table.with_suffix(".json")
        if not twin.exists() or twin.read_text(encoding="utf-8") != compiled(table):
            twin.write_text(compiled(table), encoding="utf-8")
            print(f"wrote {twin.relative_to(PACKAGE.parent)}")


if __name__ == "__main__":
    main()
