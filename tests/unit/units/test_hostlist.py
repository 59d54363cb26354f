import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcrun.errors import InputError
from hpcrun.hostlist import MAX_NODES, expand_hostlist, fold_hostlist

SETTINGS = settings(deadline=None, derandomize=True, database=None, max_examples=100)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("login", ("login",)),
        ("n1,n2", ("n1", "n2")),
        ("n[1-3]", ("n1", "n2", "n3")),
        ("n[001-003,7]", ("n001", "n002", "n003", "n7")),
        ("n[8-11]", ("n8", "n9", "n10", "n11")),
        ("r[1-2]n[1-2]", ("r1n1", "r1n2", "r2n1", "r2n2")),
        ("n[1-2]-ib,m.example", ("n1-ib", "n2-ib", "m.example")),
    ],
)
def test_expand_gives_all_names_in_order(text: str, names: tuple[str, ...]) -> None:
    assert names == expand_hostlist(text)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["login"], "login"),
        (["n1", "n2", "n3", "n7"], "n[1-3,7]"),
        (["n9", "n10"], "n[9-10]"),
        (["n09", "n10"], "n[09-10]"),
        (["n099", "n100"], "n[099-100]"),
        (["n99", "n100", "n101"], "n[99-101]"),
        (["n1-ib", "n2-ib"], "n[1-2]-ib"),
        (["a", "a"], "a,a"),
        (["n2", "n1"], "n[2,1]"),
        (["r1n1", "r2n1"], "r1n1,r2n1"),
    ],
)
def test_fold_writes_neighbours_with_one_bracket(names: list[str], text: str) -> None:
    assert text == fold_hostlist(names)


@pytest.mark.parametrize(
    "text",
    ["n[", "n]", "n[]", "n[1-]", "n[-1]", "n[3-1]", "n[[1]]", "n[a-b]", "a,,b", ",", "a b", "n[1,]",
     "../x", "n\n"],
)  # fmt: skip
def test_expand_malformed_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        expand_hostlist(text)


@pytest.mark.parametrize(
    "text",
    ["n[1-999999999]", "n[1-999999999999999999]", "n[1-60000]r[1-60000]", "n[1-300][1-300]",
     ",".join(["n[1-60000]"] * 100), "n" * 2_000_000],
)  # fmt: skip
def test_expand_hostile_list_is_refused_at_once(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(InputError):
        expand_hostlist(text)
    assert time.perf_counter() - start < 1


def test_expand_largest_list_is_read() -> None:
    assert len(expand_hostlist(f"n[1-{MAX_NODES}]")) == MAX_NODES


@SETTINGS
@given(st.lists(st.from_regex(r"[a-z0-9.-]{1,12}", fullmatch=True), max_size=12))
def test_names_folded_and_expanded_are_the_same(names: list[str]) -> None:
    assert tuple(names) == expand_hostlist(fold_hostlist(names))


@SETTINGS
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 3)), max_size=12))
def test_numbered_names_folded_and_expanded_are_the_same(numbers: list[tuple[int, int]]) -> None:
    names = [f"n{number:0{width}}" for number, width in numbers]
    assert tuple(names) == expand_hostlist(fold_hostlist(names))


@SETTINGS
@given(st.text(alphabet="n0129[]-,", max_size=24))
def test_expand_of_any_text_raises_nothing_but_input_errors(text: str) -> None:
    with contextlib.suppress(InputError):
        expand_hostlist(text)
