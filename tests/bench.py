"""Benchmarks as ratios within one run, because machines are noisy: `sh tests/run.sh bench`.

Each line compares the median time of one thing with that of another which does the least that the
same job could cost; the bound is what the project promises. Ends with 1 when a bound is broken.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "registration"
ROUNDS = 9


@dataclass(frozen=True)
class Ratio:
    """One promise: `measured` costs at most `bound` times `baseline`."""

    name: str
    measured: Callable[[], None]
    baseline: Callable[[], None]
    bound: float


def duration_s(action: Callable[[], None]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def medians_s(ratio: Ratio) -> tuple[float, float]:
    """Take turns, so that a machine that is busy for a while slows both sides."""
    pairs = [(duration_s(ratio.measured), duration_s(ratio.baseline)) for _ in range(ROUNDS)]
    measured, baseline = zip(*pairs, strict=True)
    return statistics.median(measured), statistics.median(baseline)


def command(*argv: str | Path) -> Callable[[], None]:
    def run() -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=environment)

    return run


def reading(image: Path) -> Callable[[], None]:
    from hpcrun.image import read_image

    def run() -> None:
        read_image(image)

    return run


def walking(folder: Path) -> Callable[[], None]:
    def run() -> None:
        for parent, _, names in os.walk(folder):
            for name in names:
                Path(parent, name).lstat()

    return run


def make_image(folder: Path, name: str, *, n_files: int, bytes_each: int) -> Path:
    """Make an unpacked image: one real program, and data that nobody needs to read."""
    root = folder / name
    data = root / "srv" / "data"
    data.mkdir(parents=True)
    for number in range(n_files):
        (data / f"{number}.dat").write_bytes(b"x" * bytes_each)
    (root / "usr" / "bin").mkdir(parents=True)
    shutil.copy(Path(sys.executable).resolve(), root / "usr" / "bin" / "python3")
    return root


def ratios(folder: Path) -> Sequence[Ratio]:
    python = sys.executable
    hpcrun = (python, "-m", "hpcrun")
    on_paper = ("--site", EXAMPLE / "site.yaml", "--passport", EXAMPLE / "passport.json")
    small = make_image(folder, "small", n_files=1_000, bytes_each=1_000)
    heavy = make_image(folder, "heavy", n_files=1_000, bytes_each=200_000)
    crowded = make_image(folder, "crowded", n_files=16_000, bytes_each=100)
    return (
        Ratio(
            "`hpcrun --version` over Python with click",
            command(*hpcrun, "--version"),
            command(python, "-c", "import click"),
            2.0,
        ),
        Ratio(
            "`hpcrun plan` over importing what it stands on",
            command(*hpcrun, "plan", EXAMPLE / "job.yaml", *on_paper),
            command(python, "-c", "import click, jinja2, pydantic, ruamel.yaml"),
            3.0,
        ),
        Ratio("passport of an image with 200 times the bytes", reading(heavy), reading(small), 1.5),
        Ratio(
            "passport of an image with 16 000 idle files over a walk",
            reading(crowded),
            walking(crowded),
            5.0,
        ),
    )


def main() -> int:
    broken = 0
    with tempfile.TemporaryDirectory() as folder:
        for ratio in ratios(Path(folder)):
            measured, baseline = medians_s(ratio)
            factor = measured / baseline
            broken += factor > ratio.bound
            mark = "ok" if factor <= ratio.bound else "BROKEN"
            print(
                f"{mark:6} {factor:5.2f} (at most {ratio.bound:.2f})  {ratio.name}: "
                f"{measured * 1000:.0f} ms / {baseline * 1000:.0f} ms"
            )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
