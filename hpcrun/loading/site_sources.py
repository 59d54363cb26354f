"""Where each value of a profile comes from: its own word, or that of the nearest group above it."""

import re
from collections.abc import Iterator
from collections.abc import Mapping as Table
from typing import Any

from hpcrun.loading.nodes import Mapping, Node, Scalar
from hpcrun.loading.problems import FileRule, did_you_mean, shorten
from hpcrun.loading.shapes import Reading

ReferencesByFile = Table[str, Table[str, str]]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
"""What a name of `references` looks like: not an address, a path or a sentence."""
_SHOWN = 8
_NEAR_MAX = 100


def sources_of(
    values: dict[str, Any], reading: Reading, references: ReferencesByFile
) -> dict[str, dict[str, Any]]:
    """Give the origin of each leaf by its dotted path; names of references are written out.

    A group speaks only for values of its own file, so a child's word is never taken for that of
    the parent whose group it joins.
    """
    _check_names(values.get("references", {}), reading)
    found = {}
    for path in dict.fromkeys((*_outermost(reading), *reading.sources)):
        file = reading.value_spans[path].source.shown
        if origin := _origin_of(path, file, reading):
            found[path] = _written_out(origin, references.get(file, {}))
    return found


def references_of(tree: Node) -> dict[str, str]:
    """Give the references that one file describes, before it is laid over its parent.

    Two files may mean different things by one name.
    """
    entry = tree.get("references") if isinstance(tree, Mapping) else None
    if entry is None or not isinstance(entry.value, Mapping):
        return {}
    parts = entry.value.entries
    return {part.key.text: part.value.text for part in parts if isinstance(part.value, Scalar)}


def _origin_of(path: str, file: str, reading: Reading) -> dict[str, Any]:
    """Give what is said of a leaf: what it says itself counts before what its groups say."""
    origin = dict(reading.sources.get(path, {}))
    for above in _above(path):
        for key, value in reading.origins.get((file, above), {}).items():
            origin.setdefault(key, value)
        for key, value in reading.sources.get(above, {}).items():
            origin.setdefault(key, value)
    return origin


def _above(path: str) -> Iterator[str]:
    while path:
        path = path.rpartition(".")[0]
        yield path


def _outermost(reading: Reading) -> Iterator[str]:
    """Give the leaves that are not items of another one, which are read before their items.

    A list whose items say for themselves where they come from stands aside for what is in them.
    """
    spoken_in = {above for _, path in reading.origins for above in _above(path)}
    seen: set[str] = set()
    for path in reading.leaves:
        if path in spoken_in:
            continue
        if not any(above in seen for above in _above(path)):
            yield path
        seen.add(path)


def _written_out(origin: dict[str, Any], references: Table[str, str]) -> dict[str, Any]:
    named = _names(origin)
    return origin | {"source": "; ".join(references.get(n, n) for n in named) if named else None}


def _names(origin: dict[str, Any]) -> list[str]:
    source = origin.get("source")
    return [source] if isinstance(source, str) else list(source or ())


def _check_names(merged: dict[str, str], reading: Reading) -> None:
    """Report a source that looks like a name and is none; without references it may be anything."""
    if not merged:
        return
    groups = ((path, origin) for (_, path), origin in reading.origins.items())
    for path, origin in (*groups, *reading.sources.items()):
        for name in _names(origin):
            if _NAME.fullmatch(name) and name not in merged:
                _report_unknown(name, path, merged, reading)


def _report_unknown(name: str, path: str, references: dict[str, str], reading: Reading) -> None:
    span = reading.value_spans.get(f"{path}.source") or reading.key_spans.get(path)
    names = list(references)
    more = f" and {len(names) - _SHOWN} further" if len(names) > _SHOWN else ""
    # Looking for the nearest of many names takes long, and many problems are another kind of file.
    is_cheap = len(names) <= _NEAR_MAX and len(reading.problems) <= _NEAR_MAX
    near = did_you_mean(name, names) if is_cheap else []
    reading.problems.report(
        FileRule.UNKNOWN_REFERENCE,
        span or reading.value_spans[path],
        message=f"source `{shorten(name)}` is not described",
        found=["`references` names " + ", ".join(f"`{n}`" for n in names[:_SHOWN]) + more],
        helps=near or ["add it to `references`, or write it out"],
    )
