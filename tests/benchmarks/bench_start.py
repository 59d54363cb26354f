"""What commands cost beside the libraries that they stand on."""

import sys
from collections.abc import Iterator

from tests.benchmarks.harness import ROOT, Bench, hpcrun, processor_s
from tests.benchmarks.images import Images

EXAMPLE = ROOT / "examples" / "registration"


def benches(_images: Images) -> Iterator[Bench]:
    """Yield the promises."""
    python = sys.executable
    yield Bench(
        "start",
        "`hpcrun --version` over Python with click",
        lambda: processor_s(*hpcrun("--version")),
        lambda: processor_s(python, "-c", "import click"),
    )
    on_paper = ("--site", EXAMPLE / "site.yaml", "--passport", EXAMPLE / "passport.json")
    libraries = "import click, jinja2, pydantic, ruamel.yaml"
    yield Bench(
        "plan",
        "`hpcrun plan` over importing what it stands on",
        lambda: processor_s(*hpcrun("plan", EXAMPLE / "job.yaml", *on_paper)),
        lambda: processor_s(python, "-c", libraries),
    )
