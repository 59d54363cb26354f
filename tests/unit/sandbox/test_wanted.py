"""A running sandbox is taken for the wanted one only where it is what was asked for."""

from pathlib import Path

import pytest

from hpcrun.errors import UsageError
from hpcrun.sandbox.options import Options, settle
from hpcrun.sandbox.state import ProcessMark, State
from hpcrun.sandbox.wanted import Wanted, check_same

MARK = ProcessMark(1, 1, "boot")
RUNNING = State(
    name="box",
    init=MARK,
    slurm="24.11",
    nodes=("n1", "n2"),
    share="/srv/share",
    user="ada",
    uid=1000,
    gid=1000,
    emulation=("n1",),
    options=settle(Options()),
)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"slurm": "24.11"},
        {"n_nodes": 2},
        {"share": Path("/srv/share")},
        {"emulation": "n1"},
        {"short_timeouts": False},
    ],
    ids=str,
)
def test_same_sandbox_is_taken(asked: dict[str, object]) -> None:
    check_same(RUNNING, Wanted.of(**asked))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"slurm": "22.05"}, "Slurm 24.11, not 22.05"),
        ({"n_nodes": 3}, "2 nodes, not 3"),
        ({"share": Path("/srv/other")}, "the shared folder `/srv/share`, not `/srv/other`"),
        ({"emulation": "all"}, "emulation on n1"),
        ({"emulation": "none"}, "emulation on n1"),
        ({"short_timeouts": True}, "the usual timeouts"),
        ({"n_nodes": 3, "short_timeouts": True}, "2 nodes, not 3 and the usual timeouts"),
    ],
    ids=str,
)
def test_other_sandbox_is_refused_by_what_differs(asked: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_same(RUNNING, Wanted.of(**asked))
    assert refused.value.message == f"sandbox `box` already runs, and has {told}"
    assert refused.value.help == ("end it first: hpcrun sandbox down --name box",)
