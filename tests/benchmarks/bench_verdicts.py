"""What verdicts cost: every image at every site, all facts distinct."""

import gc
from collections.abc import Iterator
from random import Random

from hpcrun.model.image import ImageFacts, StackFacts
from hpcrun.model.site import Site
from hpcrun.planner.choose import choose
from hpcrun.planner.judge import judge_all
from tests.benchmarks.harness import Bench, own_s
from tests.benchmarks.images import Images
from tests.drawn_facts import draw_images, draw_sites, question_of

IMAGES, SITES = 1000, 50


def benches(_images: Images) -> Iterator[Bench]:
    """Yield the promises."""
    yield Bench(
        "verdicts",
        f"every way to run {IMAGES:,} distinct images at {SITES} sites, judged and chosen from",
        _judge_every_pair_s,
        rounds=1,
    )


def _judge_every_pair_s() -> float:
    """Return the processor time of all verdicts, without that of drawing the facts."""
    rng = Random(20261120)
    images, sites = draw_images(rng, IMAGES), draw_sites(rng, SITES)
    # As the command does (hpcrun/__main__.py): the facts themselves hold no garbage.
    gc.set_threshold(100_000)
    return own_s(lambda: _judge_every_pair(images, sites))


def _judge_every_pair(
    images: list[ImageFacts], sites: list[tuple[Site, dict[str, StackFacts]]]
) -> None:
    for facts in images:
        for site, stacks in sites:
            question = question_of(facts, site, stacks)
            choose(question, judge_all(question))
