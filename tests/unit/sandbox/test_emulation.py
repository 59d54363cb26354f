"""Which nodes emulate, and the line by which the kernel knows foreign programs."""

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
    name, kind, offset, magic, mask, place, flags = format_handler(row).split(":")[1:]
    assert (name, kind, offset, flags) == ("qemu-aarch64-static", "M", "", "F")
    assert magic.replace("\\x", "") == "7f454c460201010000000000000000000200b700"
    assert mask.count("\\x") == 20
    assert place == "/run/box/emulator/usr/bin/qemu-aarch64-static"


def test_machine_without_a_row_has_no_emulator() -> None:
    assert find_row("vax") is None
