"""How the tests are dealt out where two workers run them (pytest-xdist); runs none itself.

A worker gets whole files, one after the other, and has a test sandbox of its own. What looks at
all of the machine, and what changes it, goes to the same worker, so that neither meets the other.
"""

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

__all__ = ["pytest_xdist_make_scheduler"]

SANDBOX = "tests/integration/sandbox"
# Users, handlers of binfmt_misc and mounts are the machine's; these change them or look at them.
MACHINE = ("emulation", "killed", "ordinary_user", "purge", "registration", "traces")
GROUPS = {f"{SANDBOX}/test_{name}.py": "machine" for name in MACHINE}
# One worker makes the sandbox and the images, meanwhile the other does what needs neither. Then
# come the longest, and small ones at the end, so that both workers end together.
ORDER = (
    "tests/integration/examples",
    "tests/lint",
    "tests/package",
    "tests/integration/image/test_real_elf.py",
    "tests/fuzz",
    "tests/golden",
    "tests/integration/image/test_debian_trees.py",
    "machine",
    f"{SANDBOX}/test_ends.py",
    f"{SANDBOX}/test_versions.py",
    f"{SANDBOX}/test_faults.py",
    f"{SANDBOX}/test_shapes.py",
    "tests/integration",
    "tests/contract",
    "tests",
)


def group_of(nodeid: str) -> str:
    """Return what is run by one worker, one after the other."""
    file = nodeid.partition("::")[0]
    folder = str(PurePosixPath(file).parent)
    return folder if folder == ORDER[0] else GROUPS.get(file, file)


def rank_of(nodeid: str) -> int:
    """Return the place in the order of what is begun."""
    group = group_of(nodeid)
    return next(i for i, begin in enumerate(ORDER) if f"{group}/".startswith(f"{begin}/"))


def put_in_order(items: list[pytest.Item]) -> None:
    """Let the longest begin first, as the end is as late as the last of the two workers."""
    items.sort(key=lambda item: (rank_of(item.nodeid), group_of(item.nodeid)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "LoadScopeScheduling":
    """Deal out whole groups in the order of the tests."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return ByGroup(config, log)
