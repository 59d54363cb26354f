"""The job user's name inside."""

from pathlib import Path

import pytest

from hpcrun.sandbox.identity import JobUser
from hpcrun.sandbox.parts import usable_name


@pytest.mark.parametrize(
    ("outside", "inside"),
    [
        ("ada", "ada"),
        ("Ada.L-1_x", "Ada.L-1_x"),
        ("slurm", "researcher"),
        ("DOMAIN\\ada", "researcher"),
        ("a b", "researcher"),
        ("", "researcher"),
        ("-x", "researcher"),
    ],
)
def test_name_is_the_caller_s_unless_the_nodes_cannot_have_it(
    tmp_path: Path, outside: str, inside: str
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nslurm:x:64030:64030::/:\n")
    user = usable_name(JobUser(outside, 1000, 1000, 1001, 1001), tmp_path)
    assert user == JobUser(inside, 1000, 1000, 1001, 1001)
