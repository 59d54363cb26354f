"""Draws values of the shipped profiles at random, for a person to read back in their sources.

Run: python -m tests.tools.draw_values [--seed N] [--count N]
"""

import argparse
import random
from pathlib import Path

from hpcrun import resources
from hpcrun.loading import load_profile
from hpcrun.loading.site_leaves import Leaf
from hpcrun.model.base import UNKNOWN


def known_values(profiles: list[Path]) -> list[tuple[str, Leaf]]:
    """Give every value about a site that is known, with the site's name."""
    return [
        (path.stem, leaf)
        for path in profiles
        for leaf in load_profile(path).leaves
        if leaf.is_fact and leaf.value != UNKNOWN and leaf.source is not None
    ]


def draw(seed: int, count: int) -> list[tuple[str, Leaf]]:
    """Draw values, the same for the same seed and the same profiles; not those of the sandboxes."""
    folder = resources.site_profiles_folder()
    profiles = [p for p in sorted(folder.glob("*.yaml")) if not p.stem.startswith("sandbox-")]
    return random.Random(seed).sample(known_values(profiles), count)


def main() -> None:
    """Print the values, each with its place and its source."""
    parser = argparse.ArgumentParser(prog="draw_values")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10)
    options = parser.parse_args()
    for site, leaf in draw(options.seed, options.count):
        print(f"{site} {leaf.path}: {leaf.value}  [line {leaf.span.line}; {leaf.source}]")


if __name__ == "__main__":
    main()
