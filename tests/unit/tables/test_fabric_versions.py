"""Ladders of network libraries rise, and answer for releases between their rungs."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from hpcrun.tables.fabric_versions import FabricVersions, fabric_versions
from hpcrun.tables.rows import load_table

TEXT = """
as_of: 2026-11-20
rdma_core: [{since: "34", private: 34, source: x}, {since: "57", private: 57, source: x}]
libfabric: [{since: "1.9", interface: FABRIC_1.3, source: x}, {since: "1.12", interface: FABRIC_1.4, source: x}]
ucx: []
"""  # noqa: E501


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), ('"57", private: 57', '"57", private: 34'), ('"1.12"', '"1.8"'), ("1.4", "1.2")],
)
def test_ladder_that_does_not_rise_is_refused(before: str, after: str, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TEXT.replace(before, after), encoding="utf-8")
    if not before:
        load_table("t", FabricVersions, folder=tmp_path)
        return
    with pytest.raises(ValidationError, match="does not rise"):
        load_table("t", FabricVersions, folder=tmp_path)


@pytest.mark.parametrize(
    ("release", "private"),
    [
        *(("14", None), ("17.1", 17), ("24.0", 22), ("28.0", 25), ("33.2", 33), ("44.0", 34)),
        *(("56.1", 34), ("58", 57), ("61.0", 59), ("65.0", 65), ("70", 65)),
    ],
)
def test_private_symbols_of_rdma_core(release: str, private: int | None) -> None:
    assert fabric_versions().private_of(release) == private


@pytest.mark.parametrize(
    ("release", "interface"),
    [
        *(("1.11.0", "FABRIC_1.3"), ("1.17.0", "FABRIC_1.6"), ("1.22.0", "FABRIC_1.7")),
        *(("2.1.0", "FABRIC_1.8"), ("2.5.1", "FABRIC_1.9"), ("unknown", None)),
    ],
)
def test_symbols_of_libfabric_as_measured(release: str, interface: str | None) -> None:
    assert fabric_versions().interface_of(release) == interface
