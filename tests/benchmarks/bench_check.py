"""What a check costs where the image's passport is remembered."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.harness import Bench, hpcrun, run
from tests.benchmarks.images import Images

_KNOWN = """
import gc, sys, time
gc.set_threshold(100_000)
import hpcrun.cli.main, hpcrun.cli.check, hpcrun.app.check_image, hpcrun.app.image_summary
import hpcrun.image, hpcrun.site, hpcrun.report.check, hpcrun.store.facts_cache
from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.model.site import Site
for model in (ImageFacts, StackFacts, Site):
    model.model_rebuild()
start_s = time.process_time()
hpcrun.cli.main.main(["check", sys.argv[1], "--site", "sandbox-24.11"])
print(time.process_time() - start_s)
"""


def benches(images: Images) -> Iterator[Bench]:
    """Yield the promises."""
    yield Bench(
        "check-known-process",
        "`hpcrun check` of an image that is remembered, beyond imports and schemas",
        lambda: _known_ms(images.large),
    )


def _known_ms(image: Path) -> float:
    run(*hpcrun("inspect", "--json", image))
    return 1000 * float(run(sys.executable, "-c", _KNOWN, image).splitlines()[-1])
