"""Who is who inside: subordinate ranges and maps."""

from pathlib import Path

import pytest

from hpcrun.errors import NotPermittedError
from hpcrun.sandbox.free_ids import Span, map_whole
from hpcrun.sandbox.identity import (
    Identity,
    JobUser,
    read_here,
    read_subordinate_start,
    read_taken,
)
from hpcrun.sandbox.namespace import IdMaps


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


def test_ids_of_a_user_namespace_are_those_inside_it(tmp_path: Path) -> None:
    table = write_table(tmp_path, "         0       1000          1\n1 100000 65536\n", "uid_map")
    assert read_here(table) == (Span(0, 1), Span(1, 65536))


def test_ids_of_users_and_ranges_are_taken(tmp_path: Path) -> None:
    users = write_table(
        tmp_path, "root:x:0:0::/root:/bin/sh\nbroken\nada:x:1001:2::/:/\n", "passwd"
    )
    assert read_taken(users) == (Span(0, 1), Span(1001, 1))
    ranges = write_table(tmp_path, "ada:100000:65536\n\n1:x:2\nroot:200000:10\n")
    assert read_taken(ranges) == (Span(100000, 65536), Span(200000, 10))
    assert read_taken(tmp_path / "missing") == ()


def test_what_is_cached_does_not_depend_on_who_called_sudo() -> None:
    user = JobUser("ada", 1000, 1000, 1, 1)
    keys = {
        Identity(user, IdMaps(map_whole(uid, start), map_whole(uid, start), True)).key
        for uid, start in ((1000, 5000000), (1001, 5000000), (1000, 6000000))
    }
    assert len(keys) == 2
