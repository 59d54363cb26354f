"""Imports of hpcrun run only downwards (the floors of hpcrun/pages/architecture.md)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "hpcrun"
FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "resources"),
    ("units", "hostlist", "shell"),
    ("model",),
    ("tables",),
    ("loading",),
    ("image",),
    ("compat",),
    ("planner",),
    ("rules", "render", "sbatch"),
    ("ports",),
    ("scheduler", "site", "store", "sandbox"),
    ("app",),
    ("report",),
    ("cli",),
)
FLOOR_BY_ROOM = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
TOP = {"__init__", "__main__"}
SCRIPTS = PACKAGE / "sandbox" / "inside"
"""What runs in the nodes; not part of the package there."""


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "hpcrun":
            modules = [f"hpcrun.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        rooms |= {m.split(".")[1] for m in modules if m.startswith("hpcrun.")}
    return rooms - {"__version__"}


FILES = sorted(
    p for p in PACKAGE.rglob("*.py") if room_of(p) not in TOP and SCRIPTS not in p.parents
)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_file_imports_only_lower_floors(path: Path) -> None:
    own = room_of(path)
    floor = FLOOR_BY_ROOM[own]
    higher = {r for r in imported_rooms(path) - {own} if FLOOR_BY_ROOM[r] >= floor}
    assert higher == set()


def test_floors_name_every_room() -> None:
    rooms = {room_of(p) for p in PACKAGE.rglob("*.py")} - TOP
    assert rooms == rooms & set(FLOOR_BY_ROOM)


def test_architecture_page_names_every_room() -> None:
    page = (PACKAGE / "pages" / "architecture.md").read_text(encoding="utf-8")
    rooms = {room_of(p) for p in FILES}
    assert {room for room in rooms if f"`{room}" not in page} == set()
