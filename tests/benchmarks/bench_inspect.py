"""What passports cost: of large images, many files, much content, layers, and known ones."""

import os
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.harness import Bench, hpcrun, own_s, peak_mib, processor_s, run
from tests.benchmarks.images import FILE_SYSTEM_AT, Images


def benches(images: Images) -> Iterator[Bench]:
    """Yield the promises."""
    yield from _absolute(images)
    yield Bench(
        "inspect-over-unsquashfs",
        "inspect over a plain unsquashfs of the SIF of 300 MB",
        lambda: _inspect_s(images.large),
        lambda: _unsquashfs_s(images.large),
        rounds=5,
    )
    yield Bench(
        "inspect-flat",
        "passport of 10 GB of content over one of 0.1 GB",
        lambda: _read_s(images.holding(10)),
        lambda: _read_s(images.holding(0.1)),
    )
    yield Bench("inspect-known", "passport that is remembered", lambda: _known_ms(images.large))
    yield Bench(
        "inspect-known-process",
        "`hpcrun inspect` of a remembered passport, beyond imports and the schema of passports",
        lambda: _known_process_ms(images.large),
    )
    yield Bench(
        "inspect-folder-bytes",
        "passport of a folder with 200 times the bytes",
        lambda: _read_s(images.unpacked(n_files=1000, bytes_each=200_000)),
        lambda: _read_s(images.unpacked(n_files=1000, bytes_each=1000)),
    )
    yield Bench(
        "inspect-folder-walk",
        "passport of a folder with 16 000 files over a walk",
        lambda: _read_s(images.unpacked(n_files=16_000, bytes_each=100)),
        lambda: _walk_s(images.unpacked(n_files=16_000, bytes_each=100)),
    )
    yield Bench(
        "inspect-layer",
        "passport of an OCI layout over decompressing its layer",
        lambda: _read_s(images.layered[0]),
        lambda: _gunzip_s(images.layered[1]),
        rounds=5,
    )


def _absolute(images: Images) -> Iterator[Bench]:
    """Yield the promises in seconds and MiB; few rounds, because each takes long."""
    yield Bench(
        "inspect-300-mb",
        "inspect of a SIF of 300 MB",
        lambda: _inspect_s(images.large),
        rounds=5,
    )
    yield Bench("inspect-300-mb-peak", "its memory", lambda: peak_mib(images.large), rounds=5)
    yield Bench(
        "inspect-300-000",
        "inspect of a SIF of 300 000 files",
        lambda: _inspect_s(images.crowded),
        rounds=5,
    )
    yield Bench("inspect-300-000-peak", "its memory", lambda: peak_mib(images.crowded), rounds=5)


def _inspect_s(image: Path) -> float:
    return processor_s(*hpcrun("inspect", "--no-cache", "--json", image))


def _unsquashfs_s(image: Path) -> float:
    with tempfile.TemporaryDirectory(dir=image.parent) as folder:
        options = ("-no-progress", "-offset", str(FILE_SYSTEM_AT), "-dest", f"{folder}/x")
        return processor_s("unsquashfs", *options, image)


def _read_s(image: Path) -> float:
    from hpcrun.image import read_image

    return own_s(lambda: read_image(image))


def _known_ms(image: Path) -> float:
    from hpcrun.image import read_image
    from hpcrun.store.facts_cache import FactsCache

    memory = FactsCache(image.parent / "cache")
    read_image(image, memory=memory)
    return 1000 * own_s(lambda: read_image(image, memory=memory))


_KNOWN = """
import gc, sys, time
gc.set_threshold(100_000)
import hpcrun.cli.main, hpcrun.cli.inspect, hpcrun.app.inspect, hpcrun.image
import hpcrun.report.passport, hpcrun.store.facts_cache
hpcrun.model.image.ImageFacts.model_rebuild()
start_s = time.process_time()
hpcrun.cli.main.main(["inspect", "--json", sys.argv[1]])
print(time.process_time() - start_s)
"""


def _known_process_ms(image: Path) -> float:
    run(*hpcrun("inspect", "--json", image))
    return 1000 * float(run(sys.executable, "-c", _KNOWN, image).splitlines()[-1])


def _walk_s(folder: Path) -> float:
    def walk() -> None:
        for parent, _, names in os.walk(folder):
            for name in names:
                Path(parent, name).lstat()

    return own_s(walk)


def _gunzip_s(layer: Path) -> float:
    def inflate() -> None:
        decoder = zlib.decompressobj(wbits=31)
        with layer.open("rb") as file:
            while chunk := file.read(1 << 18):
                decoder.decompress(chunk)

    return own_s(inflate)
