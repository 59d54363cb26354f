"""Files of results: one line of JSON for each cell, below one that says of which run."""

import json
from collections.abc import Mapping
from typing import Any

from tests.truth.lists import HERE

FOLDER = HERE / "results"


def load_results(name: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Load a run: what it says of itself, and what became of each cell by its id."""
    file = FOLDER / f"{name}.jsonl"
    if not file.exists():
        return {}, {}
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return lines[0]["run"], {line.pop("cell"): line for line in lines[1:]}


def write_results(
    name: str, run: Mapping[str, Any], cells: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write a run, in the order of the cells' ids."""
    FOLDER.mkdir(exist_ok=True)
    lines = [json.dumps({"run": dict(run)})]
    lines += [json.dumps({"cell": name, **told}) for name, told in sorted(cells.items())]
    (FOLDER / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
