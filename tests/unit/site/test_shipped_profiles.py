"""The profiles in site_profiles/: they load, and say where each of their values comes from."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from archspec.cpu import TARGETS
from ruamel.yaml import YAML

from hpcrun import resources
from hpcrun.loading import load_site
from hpcrun.loading.problems import Problems
from hpcrun.loading.reader import read_tree, read_values
from hpcrun.loading.site_shape import SITE
from hpcrun.model.base import is_known
from hpcrun.model.site import Site

FOLDER = resources.site_profiles_folder()
PROFILES = sorted(FOLDER.glob("*.yaml"))
WITHOUT_SOURCE = ("version", "name", "description", "as_of", "extends", "access", "references")
"""What a profile says of itself; `notes` are missed by no one, as a plain one is no leaf."""

each_profile = pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)


@cache
def site_of(path: Path) -> Site:
    return load_site(path)


def leaves_of(path: Path) -> list[str]:
    problems = Problems()
    source, tree = read_tree(path, problems)
    assert tree is not None
    return read_values(tree, SITE, source, problems)[1].leaves


def sources_in(value: Any) -> Iterator[str]:
    """Give each source that a profile names, at groups and at single values."""
    if isinstance(value, list):
        for item in value:
            yield from sources_in(item)
    if not isinstance(value, dict):
        return
    for key, below in value.items():
        if key == "source":
            yield from [below] if isinstance(below, str) else below
        elif key != "references":
            yield from sources_in(below)


def test_profiles_are_there() -> None:
    assert {"sandbox-20.11", "sandbox-24.11"} < {path.stem for path in PROFILES}


@each_profile
def test_profile_loads_under_its_name(path: Path) -> None:
    site = site_of(path)
    assert site.name == path.stem
    assert site.description
    assert site.as_of is not None


@each_profile
def test_profile_says_where_each_value_comes_from(path: Path) -> None:
    told = site_of(path).sources
    leaves = [leaf for leaf in leaves_of(path) if leaf.partition(".")[0] not in WITHOUT_SOURCE]
    assert leaves
    # A list speaks for its items, or they for it.
    mute = [
        leaf
        for leaf in leaves
        if not any(_is_told(told, at) for at in (leaf, *_above(leaf)))
        and not any(other.startswith(f"{leaf}.") for other in leaves)
    ]
    assert mute == []


def _is_told(told: dict[str, Any], path: str) -> bool:
    return path in told and told[path].source is not None


def _above(path: str) -> Iterator[str]:
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


@each_profile
def test_profile_describes_the_sources_it_names(path: Path) -> None:
    raw = YAML(typ="safe").load(path)
    named = set(sources_in(raw))
    described = set(raw["references"])
    assert {name for name in named if " " not in name} <= described
    assert described <= named


@each_profile
def test_profile_names_processors_that_archspec_knows(path: Path) -> None:
    for name, nodes in site_of(path).node_classes.items():
        if is_known(nodes.microarch):
            assert nodes.microarch in TARGETS, name
            assert TARGETS[nodes.microarch].family.name == nodes.arch, name


@each_profile
def test_only_a_site_that_can_be_recognised_is_here(path: Path) -> None:
    which = site_of(path).which
    is_recognised = bool(which.cluster_name or which.env or which.files or which.hostnames)
    assert site_of(path).access.is_local == is_recognised
