"""Control groups: where the machine has them, whom they are refused, and whose root is whose."""

from pathlib import Path

import pytest

from hpcrun.errors import HpcrunError, NotPermittedError, UnavailableError
from hpcrun.sandbox.cgroups import (
    Hierarchies,
    check_groups,
    groups_of,
    parse_hierarchies,
    with_root,
)
from hpcrun.sandbox.identity import Identity, JobUser
from hpcrun.sandbox.namespace import IdMaps, IdRange

FIRST = """\
30 20 0:25 / /sys/fs/cgroup rw,relatime shared:5 - tmpfs tmpfs rw,mode=755
31 30 0:26 / /sys/fs/cgroup/memory rw,nosuid shared:6 - cgroup cgroup rw,memory
32 30 0:27 / /sys/fs/cgroup/freezer rw,nosuid shared:7 - cgroup cgroup rw,freezer
33 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
34 30 0:29 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw
"""
SECOND = "30 20 0:25 / /sys/fs/cgroup rw,relatime shared:5 - cgroup2 cgroup2 rw,nsdelegate\n"
MIXED = SECOND + "33 30 0:28 / /sys/fs/cgroup/pids rw,nosuid - cgroup cgroup rw,pids\n"
MEMORY, FREEZER = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup/freezer")


def test_hierarchies_of_the_first_version_are_found_by_what_they_control() -> None:
    found = parse_hierarchies(FIRST)
    assert found.by_controller == {"memory": MEMORY, "freezer": FREEZER}
    assert found.unified == Path("/sys/fs/cgroup/unified")


def test_machine_with_the_second_version_has_no_controllers_of_the_first() -> None:
    assert parse_hierarchies(SECOND) == Hierarchies({}, Path("/sys/fs/cgroup"))


@pytest.mark.parametrize(
    ("mounts", "version", "tree"),
    [
        (FIRST, 1, None),
        (SECOND, 2, Path("/sys/fs/cgroup")),
        (MIXED, None, None),
        ("", None, None),
    ],
)
def test_version_is_the_one_that_limits_memory_unless_both_are_mixed(
    mounts: str, version: int | None, tree: Path | None
) -> None:
    found = parse_hierarchies(mounts)
    assert (found.version, found.tree) == (version, tree)


def test_group_bears_the_sandbox_s_name_and_is_told_apart_from_one_of_another_folder() -> None:
    one, other = (
        groups_of(Path(root, "box"), parse_hierarchies(FIRST)) for root in ("/srv/a", "/srv/b")
    )
    assert {group.parent for group in one.values()} == {MEMORY, FREEZER}
    assert all(group.name.startswith("hpcrun-box-") for group in one.values())
    assert one["memory"].name != other["memory"].name


def test_root_who_has_what_is_needed_is_refused_nothing() -> None:
    check_groups(parse_hierarchies(FIRST), is_root=True)


@pytest.mark.parametrize(
    ("mounts", "is_root", "error", "words"),
    [
        (FIRST, False, NotPermittedError, "`--cgroup` needs root here"),
        (MIXED, True, UnavailableError, "this machine has a mixture of both versions"),
        ("", True, UnavailableError, "this machine has none"),
        (FIRST.replace("freezer", "pids"), True, UnavailableError, "the controller `freezer`"),
    ],
)
def test_machine_or_caller_without_groups_is_refused_with_the_cause(
    mounts: str, is_root: bool, error: type[HpcrunError], words: str
) -> None:
    with pytest.raises(error) as caught:
        check_groups(parse_hierarchies(mounts), is_root=is_root)
    assert words in caught.value.message
    assert caught.value.help


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        (
            (IdRange(0, 100000, 1000), IdRange(1000, 1000, 1), IdRange(1001, 101000, 9)),
            (
                IdRange(0, 0, 1),
                IdRange(1, 100001, 999),
                IdRange(1000, 1000, 1),
                IdRange(1001, 101000, 9),
            ),
        ),
        ((IdRange(0, 5000, 1), IdRange(7, 7, 1)), (IdRange(0, 0, 1), IdRange(7, 7, 1))),
        ((IdRange(0, 0, 65536),), (IdRange(0, 0, 65536),)),
    ],
)
def test_only_root_inside_becomes_root_outside(
    ranges: tuple[IdRange, ...], expected: tuple[IdRange, ...]
) -> None:
    user = JobUser("ada", 1000, 1000, 1000, 1000)
    changed = with_root(Identity(user, IdMaps(ranges, ranges, is_privileged=True)))
    assert (changed.maps.uids, changed.maps.gids, changed.user) == (expected, expected, user)
