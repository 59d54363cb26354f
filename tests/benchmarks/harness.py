"""Measures: interleaved runs, medians with their intervals, limits from one file; makes no images.

Machines are noisy. A ratio's two sides take turns, so that a machine that is busy for a while slows
both; readings are measured in processor time, which waiting for a busy machine does not lengthen.
"""

import atexit
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LIMITS = Path(__file__).with_name("limits.toml")
ROUNDS = 9
_RANKS = {5: (0, 4), 7: (0, 6), 9: (1, 7), 11: (1, 9), 15: (3, 11), 21: (5, 15)}
"""Order statistics around the median that hold it with 93 % or more (binomial, both sides)."""

Action = Callable[[], object]


@dataclass(frozen=True)
class Bench:
    """One promise: about a ratio where there is a baseline, else about what `measure` gives."""

    name: str
    about: str
    measure: Callable[[], float]
    baseline: Callable[[], float] | None = None
    rounds: int = ROUNDS


@dataclass(frozen=True)
class Result:
    """What came out."""

    name: str
    about: str
    unit: str
    median: float
    low: float
    high: float
    limit: float
    samples: tuple[float, ...]

    @property
    def is_kept(self) -> bool:
        """Whether the promise holds."""
        return self.median <= self.limit


def load_limits(file: Path = LIMITS) -> dict[str, dict[str, Any]]:
    """Load the limits by bench; the last of each is in force."""
    return tomllib.loads(file.read_text(encoding="utf-8"))


def run_bench(bench: Bench, limits: dict[str, dict[str, Any]], *, rounds: int | None) -> Result:
    """Measure one promise."""
    n = rounds or bench.rounds
    samples = []
    for _ in range(n):
        figure = bench.measure()
        samples.append(figure / bench.baseline() if bench.baseline else figure)
    low, high = interval(samples)
    row = limits[bench.name]
    return Result(
        name=bench.name,
        about=bench.about,
        unit=row["unit"],
        median=statistics.median(samples),
        low=low,
        high=high,
        limit=row["limits"][-1],
        samples=tuple(samples),
    )


def interval(samples: Sequence[float]) -> tuple[float, float]:
    """Return the samples between which the median lies; all of them where there are few."""
    ordered = sorted(samples)
    first, last = _RANKS.get(len(ordered), (0, len(ordered) - 1))
    return ordered[first], ordered[last]


def own_s(action: Action) -> float:
    """Return the processor time that an action takes in this process."""
    start = time.process_time()
    action()
    return time.process_time() - start


def processor_s(*argv: str | Path) -> float:
    """Return the processor time of a command and what it starts."""
    before = _children_s()
    run(*argv)
    return _children_s() - before


def _children_s() -> float:
    # In microseconds; os.times() counts in ticks of 10 ms.
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(*argv: str | Path) -> str:
    """Run a command with this checkout's hpcrun; return what it prints.

    Python keeps its byte code, as it does for what is installed, whatever this machine sets; what
    hpcrun remembers is remembered for this benchmark alone.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(_kept() / "code"),
        "XDG_CACHE_HOME": str(_kept() / "cache"),
    }
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return done.stdout


@cache
def _kept() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="hpcrun-bench-kept-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


_PEAK = """
import sys
from pathlib import Path
from hpcrun.image import read_image
read_image(Path(sys.argv[1]))
status = Path("/proc/self/status").read_text()
print(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
"""


def peak_mib(image: Path) -> float:
    """Return the largest resident memory of a process that reads a passport."""
    return int(run(sys.executable, "-c", _PEAK, image)) / 1024


def hpcrun(*arguments: str | Path) -> tuple[str | Path, ...]:
    """Return the command line of this checkout's hpcrun."""
    return (sys.executable, "-m", "hpcrun", *arguments)
