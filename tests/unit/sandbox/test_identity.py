"""Who is who inside: subordinate ranges and maps."""

from pathlib import Path

import pytest

from hpcrun.errors import NotPermittedError
from hpcrun.sandbox.identity import map_everybody, read_subordinate_start
from hpcrun.sandbox.namespace import IdRange


def write_table(folder: Path, text: str, name: str = "subuid") -> Path:
    table = folder / name
    table.write_text(text)
    return table


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("ada:100000:65536\n", 100000),
        ("other:100000:65536\nada:165536:65536\n", 165536),
        ("1001:200000:65536\n", 200000),
        ("ada:1:10\nada:300000:65536\n", 300000),
        ("# comment\nbroken\nada:x:y\nada:100000:65535\n", 100000),
    ],
    ids=["by-name", "second-line", "by-number", "first-too-short", "broken-lines"],
)
def test_subordinate_range_is_found(tmp_path: Path, text: str, start: int) -> None:
    assert start == read_subordinate_start(write_table(tmp_path, text), 1001, "ada")


@pytest.mark.parametrize(
    ("text", "found"),
    [("", "has no range there"), ("ada:100000:1000\n", "has only 1000 ids there")],
)
def test_missing_range_is_told_with_the_command_that_adds_one(
    tmp_path: Path, text: str, found: str
) -> None:
    for name, option in (("subuid", "--add-subuids"), ("subgid", "--add-subgids")):
        with pytest.raises(NotPermittedError) as caught:
            read_subordinate_start(write_table(tmp_path, text, name), 1001, "ada")
        assert f"`ada` {found}" in caught.value.message
        assert f"sudo usermod {option} 100000-165535 ada" in caught.value.help[0]


def test_table_that_is_not_there_is_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(NotPermittedError):
        read_subordinate_start(tmp_path / "subuid", 1001, None)


def test_root_keeps_every_id_that_it_has(tmp_path: Path) -> None:
    machine = write_table(tmp_path, "         0          0 4294967295\n")
    assert map_everybody(machine) == (IdRange(0, 0, 4294967295),)
    container = write_table(tmp_path, "0 1000 1\n1 100000 65536\n")
    assert map_everybody(container) == (IdRange(0, 0, 1), IdRange(1, 1, 65536))


def test_root_with_one_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotPermittedError, match="only 1 here"):
        map_everybody(write_table(tmp_path, "0 1000 1\n"))
