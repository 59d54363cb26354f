"""The part of a long table that one run goes through: another one with each commit."""

import subprocess
from collections.abc import Sequence
from typing import TypeVar

import pytest

from tests.sandbox_fixture import CHECKOUT

_Row = TypeVar("_Row")


def one_share(table: Sequence[_Row], n_shares: int, config: pytest.Config) -> Sequence[_Row]:
    """Return each n-th row, from one that the commit chooses; all of them in `full` runs."""
    if config.getoption("--all-versions"):
        return table
    argv = ("git", "rev-parse", "HEAD")
    told = subprocess.run(argv, capture_output=True, text=True, cwd=CHECKOUT, check=False).stdout
    return table[int(told[:8] or "0", 16) % n_shares :: n_shares]
