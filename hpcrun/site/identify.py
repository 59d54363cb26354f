"""Finds the site that is meant, or the one where we stand; says how it knew."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from hpcrun.errors import HpcrunError, InputError, MissingInputError, UsageError
from hpcrun.loading.site_file import ENDINGS
from hpcrun.loading.source import MAX_FILE_BYTES
from hpcrun.model.diagnostic import Diagnostic
from hpcrun.model.memory import Memory
from hpcrun.model.site import Site
from hpcrun.site.folders import list_profiles, profile_folders
from hpcrun.site.recall import recall_site
from hpcrun.site.trust import check_trust
from hpcrun.site.which import is_elsewhere, matching, read_surroundings

_ROOT = Path("/")
_MAY_MATCH = re.compile(
    rb"(?m)^[ \t{,]*[\"']?(which|extends)\b(?![\"']?: *(unknown|null) *(#|\r?$))"
)


class FoundSite(NamedTuple):
    """A site, its profile, and how it was found."""

    site: Site
    path: Path
    how: str
    """For people: `HPCRUN_SITE names it`."""
    files: tuple[Path, ...]
    """The profile and those that it extends, nearest first."""
    warnings: tuple[Diagnostic, ...] = ()


def find_site(
    name_or_path: str | None = None,
    *,
    environment: Mapping[str, str],
    root: Path = _ROOT,
    memory: Memory | None = None,
) -> Site:
    """Give the site that `identify_site` finds."""
    found = identify_site(name_or_path, environment=environment, root=root, memory=memory)
    return found.site


def identify_site(
    name_or_path: str | None = None,
    *,
    environment: Mapping[str, str],
    root: Path = _ROOT,
    memory: Memory | None = None,
) -> FoundSite:
    """Find a site by name or profile path, else HPCRUN_SITE, else by where we stand.

    `auto` is the same as None. `root` is where /etc is looked for; `memory` is where profiles
    loaded earlier are, and these may be kept.
    """
    shelf = _Shelf(profile_folders(environment, root=root), memory)
    if name_or_path and name_or_path != "auto":
        found = _named(name_or_path, shelf, how=f"`{name_or_path}` was asked for")
        return _placed(found, environment, root)
    chosen = environment.get("HPCRUN_SITE")
    if chosen and chosen != "auto":
        found = _named(chosen, shelf, how=f"HPCRUN_SITE is `{chosen}`")
        return _placed(found, environment, root)
    return _detected(environment, shelf, root)


class _Shelf(NamedTuple):
    """Where profiles are looked for, and where those loaded earlier are."""

    folders: tuple[Path, ...]
    memory: Memory | None = None


def _placed(found: FoundSite, environment: Mapping[str, str], root: Path) -> FoundSite:
    """Note where a site that is reached right here is another one than where we stand.

    Else its job could end up in the queue of whatever cluster this is.
    """
    here = read_surroundings(environment, root=root)
    if not (found.site.access.is_local and is_elsewhere(found.site.which, here)):
        return found
    access = found.site.access.model_copy(update={"is_elsewhere": True})
    return found._replace(site=found.site.model_copy(update={"access": access}))


def find_profile_path(
    name_or_path: str | None = None, *, environment: Mapping[str, str], root: Path = _ROOT
) -> Path:
    """Find a profile as `identify_site` does; one that is named need not be sound."""
    folders = profile_folders(environment, root=root)
    chosen = environment.get("HPCRUN_SITE")
    for name in (name_or_path, chosen):
        if name and name != "auto":
            return _path_of(name, folders)
    return _detected(environment, _Shelf(folders), root).path


def _named(name: str, shelf: _Shelf, *, how: str) -> FoundSite:
    path = _path_of(name, shelf.folders)
    if _is_path(name):
        return _load(path, shelf, how=how)
    return _load_named(path, shelf, how=how)


def _is_path(name: str) -> bool:
    return "/" in name or name.endswith(ENDINGS)


def _path_of(name: str, folders: tuple[Path, ...]) -> Path:
    if _is_path(name):
        return Path(name)
    profiles = list_profiles(folders)
    if name not in profiles:
        close = get_close_matches(name, profiles, n=1)
        guess = [f"did you mean `{close[0]}`?"] if close else []
        raise MissingInputError(f"there is no site `{name}`", help=[*guess, *_known(folders)])
    return profiles[name]


def _load_named(path: Path, shelf: _Shelf, *, how: str) -> FoundSite:
    """Load a profile that is known by its file's name, which must be the site's own name."""
    found = _load(path, shelf, how=how)
    if found.site.name != path.stem:
        raise InputError(
            f"profile `{path}` calls its site `{found.site.name}`",
            help=[f"rename the file to `{found.site.name}{path.suffix}`, or change `name`"],
        )
    return found


def _load(path: Path, shelf: _Shelf, *, how: str) -> FoundSite:
    site, files = recall_site(path, shelf.folders, shelf.memory)
    return FoundSite(
        site=site, path=site.file, how=how, files=files, warnings=check_trust(site, files)
    )


def _detected(environment: Mapping[str, str], shelf: _Shelf, root: Path) -> FoundSite:
    here = read_surroundings(environment, root=root)
    found: list[FoundSite] = []
    broken: list[str] = []
    for path in list_profiles(shelf.folders).values():
        if not _may_match(path):
            continue
        try:
            candidate = _load_named(path, shelf, how="")
        except HpcrunError as error:
            # Another site's broken profile must not keep people from working at this one.
            broken.append(error.message)
            continue
        reasons = matching(candidate.site.which, here)
        if reasons is not None:
            found.append(_because(candidate, reasons))
    return _only(found, broken, shelf.folders)


def _may_match(path: Path) -> bool:
    """Whether a profile can say where it belongs; spares reading those that cannot."""
    try:
        with path.open("rb") as stream:
            return bool(_MAY_MATCH.search(stream.read(MAX_FILE_BYTES)))
    except OSError:
        return False


def _because(candidate: FoundSite, reasons: tuple[str, ...]) -> FoundSite:
    return candidate._replace(how=", ".join(reasons))


def _only(found: list[FoundSite], broken: list[str], folders: tuple[Path, ...]) -> FoundSite:
    """Take the one that fits; a profile counts before those that it extends."""
    parents = {file for one in found for file in one.files[1:]}
    own = [one for one in found if one.path not in parents]
    if len(own) == 1:
        return own[0]
    notes = [f"a profile cannot be read: {message}" for message in broken]
    if own:
        names = ", ".join(f"`{one.site.name}` ({one.how})" for one in own)
        raise UsageError(
            f"{len(own)} sites fit here: {names}", help=["name one with --site or HPCRUN_SITE"]
        )
    raise MissingInputError(
        "cannot tell which site this is",
        help=["name it with --site, `submit: {site: …}` or HPCRUN_SITE", *_known(folders), *notes],
    )


def _known(folders: tuple[Path, ...]) -> list[str]:
    names = ", ".join(f"`{name}`" for name in list_profiles(folders))
    looked = ", ".join(str(folder) for folder in folders)
    return [f"sites here: {names or 'none'} (looked in {looked})"]
