"""Site profile → Site: its parents under it, references checked; does not look for the profile."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpcrun.loading.facts import merge
from hpcrun.loading.nodes import Mapping, Node, Scalar
from hpcrun.loading.positions import Positions
from hpcrun.loading.problems import FileRule, Problems, did_you_mean, shorten
from hpcrun.loading.reader import (
    make_value,
    positions_of,
    read_tree,
    read_values,
    stop_at_problems,
)
from hpcrun.loading.shapes import Reading
from hpcrun.loading.site_checks import check_site
from hpcrun.loading.site_leaves import Leaf, leaves_of
from hpcrun.loading.site_shape import SITE
from hpcrun.loading.site_sources import references_of, sources_of
from hpcrun.loading.site_words import SITE_NAME
from hpcrun.loading.source import Source, Span
from hpcrun.model.base import UNKNOWN
from hpcrun.model.diagnostic import Help
from hpcrun.model.site import Site

MAX_PARENTS = 8
ENDINGS = (".yaml", ".yml")


def load_site(path: Path | str, *, search: Sequence[Path] = ()) -> Site:
    """Load a profile; its parent is looked for beside it, then in the folders of `search`."""
    return load_site_with_positions(path, search=search)[0]


def load_site_with_positions(
    path: Path | str, *, search: Sequence[Path] = ()
) -> tuple[Site, Positions]:
    """Load a profile, and where each of its values stands."""
    profile = load_profile(path, search=search)
    return profile.site, profile.positions


@dataclass(frozen=True)
class Profile:
    """A profile as a site, and as what its files say."""

    site: Site
    positions: Positions
    _tree: Node
    _reading: Reading
    _sources: dict[str, dict[str, Any]]

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """All values one by one, those of parents among them."""
        return leaves_of(self._tree, self._reading, self._sources)


def load_profile(path: Path | str, *, search: Sequence[Path] = ()) -> Profile:
    """Load a profile with all that its files say."""
    problems = Problems()
    source, tree = read_tree(Path(path), problems)
    if tree is None:
        problems.refuse(source.shown)
    chain = _Chain(search, problems)
    joined = chain.lay(source, tree)
    files = chain.files
    values, reading = read_values(joined, SITE, source, problems)
    check_site(values, reading, joined)
    sources = sources_of(values, reading, chain.references)
    if not chain.is_whole:
        # What seems to be missing may stand in the parent that could not be read.
        problems.forget(FileRule.MISSING_KEY, FileRule.UNKNOWN_REFERENCE)
    stop_at_problems(source, problems)
    fields = _site_values(values, reading) | {"sources": sources}
    site = make_value(Site, fields | {"file": files[0]}, source=source, reading=reading)
    return Profile(site, positions_of(reading, files, source=source), joined, reading, sources)


def find_profile(name: str, folders: Sequence[Path]) -> Path | None:
    """Find the profile of a name in folders, the first one first."""
    candidates = (folder / f"{name}{ending}" for folder in folders for ending in ENDINGS)
    return next((path for path in candidates if path.is_file()), None)


class _Chain:
    """A profile and its parents, nearest first, laid over each other."""

    def __init__(self, search: Sequence[Path], problems: Problems) -> None:
        self._search = search
        self._problems = problems
        self.files: list[Path] = []
        self.references: dict[str, dict[str, str]] = {}
        """What each file describes, by the name that it is shown under."""
        self.is_whole = True
        """False where a parent could not be used, which is reported."""

    def lay(self, source: Source, tree: Node) -> Node:
        """Lay a profile over its parent, and that over its own."""
        self.files.append(source.path.absolute())
        self.references[source.shown] = references_of(tree)
        name = _parent_name(tree)
        if name is None or not isinstance(tree, Mapping):
            return tree
        parent = self._parent(name, [source.path.parent, *self._search])
        if parent is None:
            return tree
        parent_source, parent_tree = read_tree(parent, self._problems)
        if not isinstance(parent_tree, Mapping):
            self.files.append(parent.absolute())
            self.is_whole = False
            return tree
        return _own(merge(self.lay(parent_source, parent_tree), tree, SITE), tree)

    def _parent(self, name: Scalar, folders: Sequence[Path]) -> Path | None:
        parent = find_profile(name.text, folders)
        reason = _why_unusable(parent, self.files)
        if parent is None or reason is not None:
            _report_unusable(name, reason, folders, self._problems)
            self.is_whole = False
            return None
        return parent


def _report_unusable(
    name: Scalar, reason: str | None, folders: Sequence[Path], problems: Problems
) -> None:
    problems.report(
        FileRule.UNUSABLE_PARENT,
        name.span,
        message=f"profile `{shorten(name.text)}` cannot be extended",
        found=[reason or "no such profile beside this one or where profiles are looked for"],
        helps=["leave `extends` out"] if reason else _name_another(name.text, folders),
    )


def _own(joined: Node, child: Mapping) -> Node:
    """Take from parents what a child must say for itself: name, version, description, parent."""
    if not isinstance(joined, Mapping):
        return joined
    own = ("version", "name", "extends", "description")
    return Mapping(
        tuple(e for e in joined.without(*own).entries)
        + tuple(e for e in child.entries if e.key.text in own),
        child.span,
    )


def _parent_name(tree: Node) -> Scalar | None:
    entry = tree.get("extends") if isinstance(tree, Mapping) else None
    if entry is None or not isinstance(entry.value, Scalar) or entry.value.is_null:
        return None
    # What is no name of a profile is reported when the value is read.
    return entry.value if re.fullmatch(SITE_NAME.pattern, entry.value.text) else None


def _why_unusable(parent: Path | None, files: Sequence[Path]) -> str | None:
    if parent is not None and any(parent.samefile(file) for file in files):
        return "it extends itself: " + " -> ".join(p.stem for p in [*files, parent])
    return (
        f"more than {MAX_PARENTS} profiles extend each other" if len(files) > MAX_PARENTS else None
    )


def _name_another(name: str, folders: Sequence[Path]) -> list[Help | str]:
    names = sorted({p.stem for folder in folders for e in ENDINGS for p in folder.glob(f"*{e}")})
    return [*did_you_mean(name, names)] or ["name an existing profile, or leave `extends` out"]


def _site_values(values: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """Give the model's fields for the values of a profile."""
    fields = dict(values)
    fields["unknowns"] = reading.unknowns
    fields["access"] = _access(fields.get("access", {}))
    fields["recipes"] = [
        {"kind": recipe} if isinstance(recipe, str) else recipe
        for recipe in values.get("recipes", ())
    ]
    fields["notes"] = [n if isinstance(n, str) else n["text"] for n in values.get("notes", ())]
    fields["node_classes"], fields["partitions"] = _partitions(values)
    fields["qos"] = {name: _in_seconds(qos) for name, qos in values.get("qos", {}).items()}
    fields["life"] = _renamed(values.get("life", {}), {"from": "begins", "until": "ends"})
    fields["mpi_stacks"] = {
        name: _stack(stack, reading.value_spans.get(f"mpi_stacks.{name}.passport"))
        for name, stack in values.get("mpi_stacks", {}).items()
    }
    return fields


def _renamed(values: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in values.items()}


def _in_seconds(limits: dict[str, Any]) -> dict[str, Any]:
    return _renamed(limits, {"walltime_max": "walltime_max_s"})


def _access(access: Any) -> Any:
    if access == "local":
        return {}
    if isinstance(access, dict) and isinstance(access.get("ssh"), str):
        return access | {"ssh": {"host": access["ssh"]}}
    return access


def _partitions(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rename limits; a partition of unknown node classes may hold nodes of any class."""
    classes = dict(values.get("node_classes", {}))
    partitions = {}
    for name, partition in values.get("partitions", {}).items():
        renamed = _in_seconds(partition)
        if not renamed.get("node_classes"):
            classes = classes or {UNKNOWN: {}}
            renamed |= {"node_classes": sorted(classes), "are_classes_known": False}
        partitions[name] = renamed
    return classes, partitions


def _stack(stack: dict[str, Any], passport: Span | None) -> dict[str, Any]:
    """Find the passport beside the profile that names it, which may be a parent."""
    if passport is None or stack.get("passport") is None:
        return stack
    folder = passport.source.path.absolute().parent
    return stack | {"passport": str(folder / stack["passport"])}
