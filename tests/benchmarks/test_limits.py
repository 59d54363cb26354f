"""Limits only ever get tighter, each bench has one, and the harness reckons as it says."""

from pathlib import Path

import pytest

from tests.benchmarks.__main__ import all_benches, format_result, write_json
from tests.benchmarks.harness import Bench, interval, load_limits, run_bench
from tests.benchmarks.images import Images

ROW = {"some": {"unit": "times", "limits": [3.0, 2.0]}}


@pytest.mark.parametrize("name", load_limits())
def test_each_limit_is_tighter_than_the_one_before(name: str) -> None:
    limits = load_limits()[name]["limits"]
    assert limits
    assert limits == sorted(set(limits), reverse=True)


def test_each_bench_has_a_limit_and_each_limit_a_bench(tmp_path: Path) -> None:
    names = [bench.name for bench in all_benches(Images(tmp_path))]
    assert sorted(names) == sorted(load_limits())


@pytest.mark.parametrize(("figure", "is_kept"), [(3.9, True), (4.1, False)])
def test_ratio_is_held_against_the_last_limit(figure: float, *, is_kept: bool) -> None:
    bench = Bench("some", "x over y", lambda: figure, lambda: 2.0)
    result = run_bench(bench, ROW, rounds=3)
    assert (result.median, result.limit, result.is_kept) == (figure / 2, 2.0, is_kept)
    assert format_result(result).startswith("ok" if is_kept else "BROKEN")


def test_sides_of_a_ratio_take_turns() -> None:
    order: list[str] = []

    def noting(letter: str) -> float:
        order.append(letter)
        return 1.0

    bench = Bench("some", "", lambda: noting("a"), lambda: noting("b"))
    run_bench(bench, ROW, rounds=3)
    assert "".join(order) == "ababab"


def test_interval_is_between_order_statistics() -> None:
    assert interval([9, 1, 8, 2, 7, 3, 6, 4, 5]) == (2, 8)
    assert interval([3, 1]) == (1, 3)


def test_results_are_written_for_machines(tmp_path: Path) -> None:
    import json

    result = run_bench(Bench("some", "x", lambda: 1.0), ROW, rounds=3)
    write_json(tmp_path / "out.json", [result])
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["results"][0]["samples"] == [1.0, 1.0, 1.0]
    assert document["results"][0]["is_kept"]
