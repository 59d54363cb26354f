"""Which nodes emulate, and the line by which the kernel knows foreign programs."""

from pathlib import Path

import pytest

from hpcrun.errors import UsageError
from hpcrun.sandbox.emulation import choose_nodes, find_row, format_handler

NODES = ("n1", "n2", "n3")


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (None, NODES),
        ("all", NODES),
        ("none", ()),
        ("n2", ("n2",)),
        ("n3,n1", ("n1", "n3")),
        ("n[2-3]", ("n2", "n3")),
    ],
)
def test_nodes_are_all_unless_others_are_named(wanted: str | None, chosen: tuple[str, ...]) -> None:
    assert choose_nodes(wanted, NODES) == chosen


@pytest.mark.parametrize("wanted", ["", "n4", "n1,login"])
def test_node_that_is_not_there_is_a_usage_error(wanted: str) -> None:
    with pytest.raises(UsageError, match="no compute node is named"):
        choose_nodes(wanted, NODES)


def test_handler_has_the_magic_that_apptainer_wants_and_flag_f() -> None:
    row = find_row("x86_64")
    assert row is not None
    line = format_handler(row, "emulator", Path("/run/qemu"))
    name, kind, offset, magic, mask, place, flags = line.split(":")[1:]
    assert (name, kind, offset, place, flags) == ("emulator", "M", "", "/run/qemu", "F")
    assert magic.replace("\\x", "") == "7f454c460201010000000000000000000200b700"
    assert mask.count("\\x") == 20


def test_handler_of_a_program_below_a_folder_with_a_colon_is_divided_otherwise() -> None:
    row = find_row("x86_64")
    assert row is not None
    line = format_handler(row, "emulator", Path("/srv/a:b/qemu"))
    assert line.startswith("|emulator|M||")
    assert line.endswith("|/srv/a:b/qemu|F")


def test_machine_without_a_row_has_no_emulator() -> None:
    assert find_row("vax") is None
