"""Use cases about site profiles: list, load and compare them; does not judge or print."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from hpcrun.errors import HpcrunError
from hpcrun.loading import Profile, load_profile
from hpcrun.loading.site_leaves import Keys
from hpcrun.model.base import Value
from hpcrun.site.folders import list_profiles, profile_folders


class ListedSite(Value):
    """One profile among those that are found."""

    name: str
    path: Path
    description: str = ""
    scheduler: str = ""
    as_of: str | None = None
    n_unknown: int = 0
    """Values that the profile calls `unknown`."""
    problem: str | None = None
    """Why it cannot be used."""


class Difference(Value):
    """One value in which two profiles differ; `absent` where one of them does not say it."""

    path: str
    first: Any
    second: Any


class SiteList(Value):
    """All profiles that are found."""

    version: Literal[1] = 1
    sites: tuple[ListedSite, ...]


class SiteDiff(Value):
    """What two profiles say differently of their sites."""

    version: Literal[1] = 1
    first: str
    second: str
    differences: tuple[Difference, ...]


class WhichSite(Value):
    """The site where we stand."""

    version: Literal[1] = 1
    site: str
    profile: Path
    how: str
    """How it is known, in words."""


ABSENT = "absent"
_ABOUT_ITSELF = frozenset({"name", "version", "extends", "references", "notes", "description"})


def list_sites(environment: Mapping[str, str]) -> SiteList:
    """Return every profile that can be named, broken ones too, by name."""
    folders = profile_folders(environment)
    every = list_profiles(folders).items()
    sites = tuple(_listed(name, path, folders) for name, path in sorted(every))
    return SiteList(sites=sites)


def _listed(name: str, path: Path, folders: tuple[Path, ...]) -> ListedSite:
    try:
        site = load_profile(path, search=folders).site
    except HpcrunError as error:
        return ListedSite(name=name, path=path, problem=error.message)
    return ListedSite(
        name=name,
        path=path,
        description=site.description,
        scheduler=site.scheduler.kind,
        as_of=site.as_of.isoformat() if site.as_of else None,
        n_unknown=len(site.unknowns),
    )


def open_profile(path: Path, environment: Mapping[str, str]) -> Profile:
    """Load a profile; parents are looked for beside it and wherever profiles are."""
    return load_profile(path, search=profile_folders(environment))


def diff_sites(first: Profile, second: Profile) -> SiteDiff:
    """Return what two profiles say differently of their sites, in the order of the first.

    Sources are no part of it: two profiles may know the same from different people.
    """
    left, right = _facts(first), _facts(second)
    differences = tuple(
        Difference(
            path=".".join(map(str, keys)),
            first=left.get(keys, ABSENT),
            second=right.get(keys, ABSENT),
        )
        for keys in dict.fromkeys((*left, *right))
        if left.get(keys, ABSENT) != right.get(keys, ABSENT)
    )
    names = (first.site.name, second.site.name)
    return SiteDiff(first=names[0], second=names[1], differences=differences)


def _facts(profile: Profile) -> dict[Keys, Any]:
    return {leaf.keys: leaf.value for leaf in profile.leaves if leaf.keys[0] not in _ABOUT_ITSELF}
