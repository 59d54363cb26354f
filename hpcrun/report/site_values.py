"""A profile's values one by one: as lines, as YAML, as differences; does not load or judge them."""

from collections.abc import Iterable, Mapping
from datetime import date
from io import StringIO
from typing import Any

from hpcrun.app.sites import ABSENT, ListedSite, SiteDiff
from hpcrun.loading.site_leaves import Leaf
from hpcrun.report.terminal import escape


def format_sites(sites: Iterable[ListedSite]) -> str:
    """Return a line for each profile."""
    rows = [_row(site) for site in sites]
    wide = max((len(row[0]) for row in rows), default=0)
    return "".join(f"{name:<{wide}}  {about}\n" for name, about in rows)


def _row(site: ListedSite) -> tuple[str, str]:
    name = escape(site.name)
    if site.problem is not None:
        return name, f"cannot be used: {escape(site.problem)}"
    kind = "" if site.scheduler == "slurm" else f" ({site.scheduler or 'no'} scheduler)"
    kind = " (no scheduler)" if site.scheduler == "none" else kind
    return name, escape(f"{site.as_of or '          '}  {site.description}{kind}")


def format_leaves(leaves: Iterable[Leaf]) -> str:
    """Return a line for each value, with its place, and its source below."""
    lines = []
    for leaf in leaves:
        place = f"{leaf.span.source.path.name}:{leaf.span.line}"
        lines.append(f"{leaf.path}: {_shown(leaf.value)}    [{place}]")
        if leaf.origin:
            lines.append(f"    {_origin(leaf.origin)}")
    return "".join(f"{escape(line)}\n" for line in lines)


def _origin(origin: Mapping[str, Any]) -> str:
    source = origin.get("source") or "no source"
    beside = [str(origin[key]) for key in ("confidence", "as_of") if origin.get(key) is not None]
    return f"{source} ({', '.join(beside)})" if beside else str(source)


def format_differences(diff: SiteDiff) -> str:
    """Return what two profiles say differently, value below value."""
    names = (diff.first, diff.second)
    wide = max(map(len, names))
    lines = []
    for one in diff.differences:
        lines.append(one.path)
        lines += [
            f"  {name:<{wide}}  {value if value == ABSENT else _shown(value)}"
            for name, value in zip(names, (one.first, one.second), strict=True)
        ]
    return "".join(f"{escape(line)}\n" for line in lines)


def _shown(value: Any) -> str:
    """Write a value as a profile would, on one line."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case list():
            return f"[{', '.join(map(_shown, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}: {_shown(part)}' for key, part in value.items())}}}"
        case _:
            return str(value)


def resolved_yaml(leaves: Iterable[Leaf], *, with_sources: bool) -> str:
    """Return the profile as one file that extends no other."""
    from ruamel.yaml import YAML

    tree: dict[str, Any] = {}
    for leaf in leaves:
        _put(tree, leaf, _annotated(leaf) if with_sources else _quoted(leaf.value))
    yaml = YAML(typ="rt")
    yaml.default_flow_style = False
    yaml.width = 100
    # What a terminal could take for commands or directions is written as an escape of YAML.
    yaml.allow_unicode = False
    yaml.representer.ignore_aliases = lambda _data: True
    yaml.representer.add_representer(
        type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    text = StringIO()
    yaml.dump(_as_lists(tree | {"extends": None}), text)
    return text.getvalue()


def _put(tree: dict[str, Any], leaf: Leaf, value: Any) -> None:
    here: Any = tree
    for key in leaf.keys[:-1]:
        here = here.setdefault(key, {})
    here[leaf.keys[-1]] = value


def _as_lists(tree: Any) -> Any:
    """Turn mappings whose keys are numbers back into the lists that they were."""
    if not isinstance(tree, dict):
        return tree
    if tree and all(isinstance(key, int) for key in tree):
        return [_as_lists(tree[key]) for key in sorted(tree)]
    return {key: _as_lists(part) for key, part in tree.items()}


def _annotated(leaf: Leaf) -> Any:
    from ruamel.yaml.comments import CommentedMap

    if not leaf.origin or not leaf.is_fact:
        return _quoted(leaf.value)
    stated = {key: value for key, value in leaf.origin.items() if value is not None}
    whole = CommentedMap({"value": _quoted(leaf.value)} | {k: _day(v) for k, v in stated.items()})
    whole.fa.set_flow_style()
    return whole


def _day(value: Any) -> Any:
    return value if isinstance(value, date) else _quoted(value)


def _quoted(value: Any) -> Any:
    """Quote texts that a reader of YAML could take for something else."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, list):
        items = CommentedSeq([_quoted(item) for item in value])
        items.fa.set_flow_style()
        return items
    if isinstance(value, dict):
        parts = CommentedMap({key: _quoted(part) for key, part in value.items()})
        parts.fa.set_flow_style()
        return parts
    if isinstance(value, str) and not value.replace("_", "").replace("-", "").isalpha():
        return DoubleQuotedScalarString(value)
    return value
