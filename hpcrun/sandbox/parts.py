"""What every sandbox of a version is made of: found in the cache, or made there; starts nothing."""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from hpcrun.sandbox import cache, rootfs, wheels
from hpcrun.sandbox.identity import Identity, JobUser
from hpcrun.sandbox.namespace import IdMaps
from hpcrun.sandbox.own_code import read_requirements
from hpcrun.sandbox.places import Places
from hpcrun.sandbox.progress import Progress
from hpcrun.sandbox.versions import SandboxVersion

# Directory services give names with blanks and backslashes, which no path should have.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")


@dataclass(frozen=True)
class PartNames:
    """Names in the cache, each with the hash of the recipe."""

    root: str
    stacks: str
    python: str


@dataclass(frozen=True)
class Parts:
    """Folders in the cache."""

    root: Path
    stacks: Path
    python: Path


def part_names(version: SandboxVersion, identity: Identity) -> PartNames:
    """Name each part after everything that it depends on."""
    machine = os.uname().machine
    root = cache.recipe_key(rootfs.recipe(version), identity.key, machine)
    tags = wheels.platform_tags(version)
    stacks = cache.recipe_key(version.stacks, tags, wheels.layout())
    python = cache.recipe_key(read_requirements(), version.python, tags, wheels.layout())
    return PartNames(
        root=f"root-{version.suite}-{root}",
        stacks=f"stacks-{stacks}",
        python=f"python-{version.python}-{python}",
    )


def make_parts(
    where: Places, version: SandboxVersion, identity: Identity, shows: Progress
) -> Parts:
    """Find each part in the cache, or make it there."""
    maps = identity.maps
    names = part_names(version, identity)
    root = cache.keep(
        where.cache,
        names.root,
        maps,
        lambda new: rootfs.build_root(version, maps, new, shows, mirror=rootfs.read_mirror()),
    )
    stacks = cache.keep(
        where.cache, names.stacks, maps, lambda new: wheels.fetch_stacks(version, new, shows)
    )
    python = cache.keep(
        where.cache,
        names.python,
        maps,
        lambda new: _make_python(version, new, root, maps, shows),
    )
    return Parts(root, stacks, python)


def _make_python(
    version: SandboxVersion, new: Path, root: Path, maps: IdMaps, shows: Progress
) -> None:
    wheels.fetch_dependencies(version, read_requirements(), new, shows)
    wheels.compile_dependencies(new, root, maps)


def usable_name(user: JobUser, root: Path) -> JobUser:
    """Take another name where the caller's is that of a system user of the nodes, or no name."""
    lines = (root / "etc/passwd").read_text().splitlines()
    taken = {line.partition(":")[0] for line in lines}
    is_usable = _NAME.fullmatch(user.name) and user.name not in taken
    return user if is_usable else replace(user, name="researcher")
