"""Benchmarks: `sh tests/run.sh bench [--json FILE] [--only WORD] [--rounds N]`.

Ends with 1 where a limit (limits.toml) is broken.
"""

import argparse
import dataclasses
import json
import platform
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.benchmarks import bench_check, bench_inspect, bench_sites, bench_start, bench_verdicts
from tests.benchmarks.harness import Bench, Result, load_limits, run_bench
from tests.benchmarks.images import Images


def all_benches(images: Images) -> list[Bench]:
    """Return every promise."""
    modules = (bench_start, bench_inspect, bench_check, bench_sites, bench_verdicts)
    return [bench for module in modules for bench in module.benches(images)]


def format_result(result: Result) -> str:
    """Return one line about a result."""
    mark = "ok" if result.is_kept else "BROKEN"
    figures = f"{result.median:8.2f} {result.unit} [{result.low:.2f}, {result.high:.2f}]"
    return f"{mark:6} {figures}, at most {result.limit:g}: {result.about} ({result.name})"


def write_json(file: Path, results: Iterable[Result]) -> None:
    """Write the results for machines."""
    rows = [{**dataclasses.asdict(each), "is_kept": each.is_kept} for each in results]
    machine = f"{platform.machine()}, Linux {platform.release()}"
    document = {
        "version": 1,
        "python": platform.python_version(),
        "machine": machine,
        "results": rows,
    }
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--only", default="", metavar="WORD", help="benches with WORD in the name")
    parser.add_argument("--rounds", type=int, metavar="N")
    options = parser.parse_args()
    limits = load_limits()
    results = []
    with tempfile.TemporaryDirectory(prefix="hpcrun-bench-") as folder:
        for bench in all_benches(Images(Path(folder))):
            if options.only in bench.name:
                results.append(run_bench(bench, limits, rounds=options.rounds))
                print(format_result(results[-1]), flush=True)
    if options.json is not None:
        write_json(options.json, results)
    return 0 if all(each.is_kept for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
