"""What every sandbox of a version is made of: found in the cache, or made there; starts nothing."""

import os
import re
from dataclasses import dataclass, replace
from functools import cache as remember
from pathlib import Path

from hpcrun.sandbox import cache, owners, rootfs, tools, wheels
from hpcrun.sandbox.identity import Identity, JobUser
from hpcrun.sandbox.places import Places
from hpcrun.sandbox.progress import Progress
from hpcrun.sandbox.versions import SandboxVersion, oldest_glibc
from hpcrun.sandbox.versions import tools as tools_row

# Directory services give names with blanks and backslashes, which no path should have.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")


@dataclass(frozen=True)
class PartNames:
    """Names in the cache, each with the hash of the recipe."""

    root: str
    stacks: str
    tools: str
    python: str


@dataclass(frozen=True)
class Parts:
    """Folders in the cache."""

    root: Path
    stacks: Path
    tools: Path
    python: Path


def part_names(version: SandboxVersion, identity: Identity) -> PartNames:
    """Name each part after everything that it depends on."""
    old, new = (wheels.platform_tags(glibc) for glibc in (oldest_glibc(), tools_row().glibc))
    stacks = cache.recipe_key(wheels.stack_lines(), old, wheels.layout())
    python = cache.recipe_key(wheels.dependency_lines(), tools_row().python, new, wheels.layout())
    return PartNames(
        root=owners.part_name(*_root(version), identity),
        stacks=f"stacks-{stacks}",
        tools=owners.part_name(*_tools(), identity),
        python=f"python-{tools_row().python}-{python}",
    )


def _root(version: SandboxVersion) -> tuple[str, tuple[object, ...]]:
    return f"root-{version.suite}", (rootfs.recipe(version), os.uname().machine)


def _tools() -> tuple[str, tuple[object, ...]]:
    return "tools", (tools.recipe(), os.uname().machine)


def make_parts(
    where: Places, version: SandboxVersion, identity: Identity, shows: Progress
) -> Parts:
    """Find each part in the cache, or make it there."""
    maps = identity.maps
    names = part_names(version, identity)
    mirror = remember(rootfs.read_mirror)
    cache.remove_unfinished(where.cache, maps)
    root = owners.keep(
        where.cache,
        *_root(version),
        identity,
        lambda new: rootfs.build_root(version, maps, new, shows, mirror=mirror()),
    )
    stacks = cache.keep(
        where.cache, names.stacks, maps, lambda new: wheels.fetch_stacks(new, shows)
    )
    programs = owners.keep(
        where.cache,
        *_tools(),
        identity,
        lambda new: tools.build_tools(maps, new, shows, mirror=mirror()),
    )

    def make_python(new: Path) -> None:
        wheels.fetch_dependencies(new, shows)
        wheels.compile_dependencies(new, root, programs, maps)

    python = cache.keep(where.cache, names.python, maps, make_python)
    return Parts(root, stacks, programs, python)


def usable_name(user: JobUser, root: Path) -> JobUser:
    """Take another name where the caller's is that of a system user of the nodes, or no name."""
    lines = (root / "etc/passwd").read_text().splitlines()
    taken = {line.partition(":")[0] for line in lines}
    is_usable = _NAME.fullmatch(user.name) and user.name not in taken
    return user if is_usable else replace(user, name="researcher")
