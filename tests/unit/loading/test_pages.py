"""The pages about files say what the loader does."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpcrun.loading import load_job, load_site
from tests.tools.make_reference import make_page, pages

LOADERS: dict[str, Callable[[Path], Any]] = {"job": load_job, "profile": load_site}


def page_path(name: str) -> Path:
    return next(path for path in pages() if path.stem == name)


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_page_is_fresh(path: Path) -> None:
    shipped = path.read_text(encoding="utf-8")
    assert shipped == make_page(path), "run: python -m tests.tools.make_reference"


@pytest.mark.parametrize("name", sorted(LOADERS))
def test_example_of_a_page_loads(name: str, tmp_path: Path) -> None:
    blocks = re.findall(
        r"```yaml\n(.*?)```", page_path(name).read_text(encoding="utf-8"), re.DOTALL
    )
    path = tmp_path / "example.yaml"
    for block in blocks:
        path.write_text(block, encoding="utf-8")
        LOADERS[name](path)
    assert blocks != []


@pytest.mark.parametrize("name", sorted(LOADERS))
def test_every_key_is_explained(name: str) -> None:
    rows = [line for line in make_page(page_path(name)).splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []
