"""What site profiles cost: all of them at once, and one that was loaded before."""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.harness import ROOT, Bench, hpcrun, processor_s, run
from tests.benchmarks.images import Images

PROFILES = tuple(sorted((ROOT / "site_profiles").glob("*.yaml")))


def benches(_images: Images) -> Iterator[Bench]:
    """Yield the promises."""
    yield Bench(
        "sites-validate",
        f"`hpcrun site validate --strict` of all {len(PROFILES)} shipped profiles",
        lambda: processor_s(*hpcrun("site", "validate", "--strict", "--json", *PROFILES)),
    )
    yield Bench(
        "site-known",
        "the longest shipped profile, loaded before, in a fresh process",
        lambda: 1000 * _recalled_s(max(PROFILES, key=lambda path: path.stat().st_size)),
    )


_RECALL = """
import sys, time
from pathlib import Path
from hpcrun.site.recall import recall_site
from hpcrun.store.facts_cache import FactsCache
memory = FactsCache(Path(sys.argv[2]) / "facts")
start = time.process_time()
recall_site(Path(sys.argv[1]), (), memory)
print(time.process_time() - start)
"""


def _recalled_s(profile: Path) -> float:
    """Return what a fresh process takes that finds the profile remembered."""
    with TemporaryDirectory() as folder:
        run(sys.executable, "-c", _RECALL, profile, folder)
        return float(run(sys.executable, "-c", _RECALL, profile, folder))
