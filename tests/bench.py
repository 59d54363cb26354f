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
SMALL_TREE, LARGE_TREE = 500, 8_000


@dataclass(frozen=True)
class Ratio:
    """One promise: `measured` costs at most `bound` times `baseline`."""

    name: str
    measured: Callable[[], None]
    baseline: Callable[[], None]
    bound: float


def median_s(action: Callable[[], None]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


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


def make_image(folder: Path, n_files: int) -> Path:
    """Make a squashfs-free folder image: one real library, and many files nobody needs to read."""
    root = folder / f"image-{n_files}"
    data = root / "srv" / "data"
    data.mkdir(parents=True)
    for number in range(n_files):
        (data / f"{number}.txt").write_text("x" * 100)
    (root / "usr" / "bin").mkdir(parents=True)
    shutil.copy(Path(sys.executable).resolve(), root / "usr" / "bin" / "python3")
    return root


def ratios(folder: Path) -> Sequence[Ratio]:
    python = sys.executable
    hpcrun = (python, "-m", "hpcrun")
    shipped = ("--site", EXAMPLE / "site.yaml", "--passport", EXAMPLE / "passport.json")
    small, large = make_image(folder, SMALL_TREE), make_image(folder, LARGE_TREE)
    return (
        Ratio(
            "`hpcrun --version` over Python with click",
            command(*hpcrun, "--version"),
            command(python, "-c", "import click"),
            2.0,
        ),
        Ratio(
            "`hpcrun plan` over importing what it stands on",
            command(*hpcrun, "plan", EXAMPLE / "job.yaml", *shipped),
            command(python, "-c", "import click, jinja2, pydantic, ruamel.yaml"),
            3.0,
        ),
        Ratio(
            f"passport of an image with {LARGE_TREE} idle files over one with {SMALL_TREE}",
            reading(large),
            reading(small),
            1.5,
        ),
    )


def main() -> int:
    broken = 0
    with tempfile.TemporaryDirectory() as folder:
        for ratio in ratios(Path(folder)):
            measured, baseline = median_s(ratio.measured), median_s(ratio.baseline)
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
