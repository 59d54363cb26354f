"""What is dealt out to two workers is there, and what needs all of the machine stays together."""

import re
from pathlib import Path

import pytest

from tests.two_workers import GROUPS, ORDER, group_of, rank_of

ROOT = Path(__file__).resolve().parents[2]
# Words of tests that look at what is the machine's, or change it.
NEEDS_ALL = re.compile(r"look_at_machine\(|made_user\(|binfmt_misc|--register-emulation")
TESTS = sorted(str(file.relative_to(ROOT)) for file in ROOT.glob("tests/integration/**/test_*.py"))


def test_order_and_groups_name_what_there_is() -> None:
    named = {*GROUPS, *ORDER} - set(GROUPS.values())
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_what_needs_all_of_the_machine_is_one_group() -> None:
    needing = {test for test in TESTS if NEEDS_ALL.search((ROOT / test).read_text())}
    assert needing == {test for test in TESTS if group_of(test) == "machine"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("tests/integration/examples/test_hello.py", "tests/lint/test_linters.py"),
        ("tests/integration/sandbox/test_traces.py", "tests/integration/sandbox/test_ends.py"),
        ("tests/integration/sandbox/test_ends.py", "tests/integration/ssh/test_keys.py"),
        ("tests/integration/ssh/test_keys.py", "tests/unit/units/test_units.py"),
    ],
)
def test_longer_one_begins_before(first: str, second: str) -> None:
    assert rank_of(f"{first}::test_a") < rank_of(f"{second}::test_b")
