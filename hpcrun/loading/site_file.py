"""Site profile → Site: its parents under it, references checked; does not look for the profile."""

import re
from collections.abc import Sequence
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
from hpcrun.loading.site_shape import SITE, SITE_NAME
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
    problems = Problems()
    source, tree = read_tree(Path(path), problems)
    if tree is None:
        problems.refuse(source.shown)
    files = [source.path.absolute()]
    joined, is_whole = _with_parents(source, tree, files=files, search=search, problems=problems)
    values, reading = read_values(joined, SITE, source, problems)
    _check_references(values, reading)
    if not is_whole:
        # What seems to be missing may stand in the parent that could not be read.
        problems.forget(FileRule.MISSING_KEY, FileRule.UNKNOWN_REFERENCE)
    stop_at_problems(source, problems)
    fields = _site_values(values, reading)
    site = make_value(Site, fields | {"file": files[0]}, source=source, reading=reading)
    return site, positions_of(reading, files, source=source)


def find_profile(name: str, folders: Sequence[Path]) -> Path | None:
    """Find the profile of a name in folders, the first one first."""
    candidates = (folder / f"{name}{ending}" for folder in folders for ending in ENDINGS)
    return next((path for path in candidates if path.is_file()), None)


def _with_parents(
    source: Source, tree: Node, *, files: list[Path], search: Sequence[Path], problems: Problems
) -> tuple[Node, bool]:
    """Lay the profile over its parent, and that over its own; every file used joins `files`.

    The second value is False where a parent could not be used, which is reported.
    """
    name = _parent_name(tree)
    if name is None or not isinstance(tree, Mapping):
        return tree, True
    folders = [source.path.parent, *search]
    parent = find_profile(name.text, folders)
    reason = _why_unusable(parent, files)
    if parent is None or reason is not None:
        _report_unusable(name, reason, folders, problems)
        return tree, False
    files.append(parent.absolute())
    parent_source, parent_tree = read_tree(parent, problems)
    if not isinstance(parent_tree, Mapping):
        return tree, False
    joined, is_whole = _with_parents(
        parent_source, parent_tree, files=files, search=search, problems=problems
    )
    return _own(merge(joined, tree, SITE), tree), is_whole


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


def _check_references(values: dict[str, Any], reading: Reading) -> None:
    classes = values.get("node_classes", {})
    defaults = []
    for name, partition in values.get("partitions", {}).items():
        for index, node_class in enumerate(partition.get("node_classes", ())):
            if f"node_classes.{node_class}" not in reading.key_spans:
                path = f"partitions.{name}.node_classes.{index}"
                _report_unknown_class(node_class, reading.value_spans[path], classes, reading)
        if partition.get("default"):
            defaults.append(name)
    if len(defaults) > 1:
        span = reading.value_spans[f"partitions.{defaults[-1]}.default"]
        reading.problems.report(
            FileRule.CONFLICTING_KEYS,
            span,
            message=f"{len(defaults)} partitions are the default",
            found=["default: true in " + ", ".join(f"`{name}`" for name in defaults)],
            helps=["keep the one that sbatch takes without `--partition`"],
        )


def _report_unknown_class(
    node_class: str, span: Span, classes: dict[str, Any], reading: Reading
) -> None:
    names = ", ".join(f"`{name}`" for name in classes) or "none"
    reading.problems.report(
        FileRule.UNKNOWN_REFERENCE,
        span,
        message=f"node class `{shorten(node_class)}` is not described",
        found=[f"node classes here: {names}"],
        helps=did_you_mean(node_class, classes) or ["describe it under `node_classes`"],
    )


def _site_values(values: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """Give the model's fields for the values of a profile."""
    fields = dict(values)
    fields["sources"] = reading.sources
    fields["unknowns"] = reading.unknowns
    fields["access"] = _access(fields.get("access", {}))
    fields["recipes"] = [
        {"kind": recipe} if isinstance(recipe, str) else recipe
        for recipe in values.get("recipes", ())
    ]
    fields["node_classes"], fields["partitions"] = _partitions(values)
    fields["mpi_stacks"] = {
        name: _stack(stack, reading.value_spans.get(f"mpi_stacks.{name}.passport"))
        for name, stack in values.get("mpi_stacks", {}).items()
        # Without a prefix nothing can be bound; that it is unknown stands in Site.unknowns.
        if "prefix" in stack
    }
    return fields


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
        renamed = {k: v for k, v in partition.items() if k != "walltime_max"}
        if "walltime_max" in partition:
            renamed["walltime_max_s"] = partition["walltime_max"]
        if not renamed.get("node_classes"):
            classes = classes or {UNKNOWN: {}}
            renamed["node_classes"] = sorted(classes)
        partitions[name] = renamed
    return classes, partitions


def _stack(stack: dict[str, Any], passport: Span | None) -> dict[str, Any]:
    """Find the passport beside the profile that names it, which may be a parent."""
    if passport is None or stack.get("passport") is None:
        return stack
    folder = passport.source.path.absolute().parent
    return stack | {"passport": str(folder / stack["passport"])}
