"""Where each value of a profile comes from: its own word, or that of the nearest group above it."""

from collections.abc import Iterator
from typing import Any

from hpcrun.loading.problems import FileRule, did_you_mean, shorten
from hpcrun.loading.shapes import Reading


def sources_of(values: dict[str, Any], reading: Reading) -> dict[str, dict[str, Any]]:
    """Give the origin of each leaf by its dotted path; names of references are written out.

    A group speaks only for values of its own file, so a child's word is never taken for that of
    the parent whose group it joins.
    """
    _check_names(values.get("references", {}), reading)
    references = values.get("references", {})
    return {
        path: _written_out(origin, references)
        for path in dict.fromkeys((*_outermost(reading), *reading.sources))
        if (origin := _origin_of(path, reading))
    }


def _origin_of(path: str, reading: Reading) -> dict[str, Any]:
    """Give what is said of a leaf: what it says itself counts before what its groups say."""
    origin = dict(reading.sources.get(path, {}))
    file = reading.value_spans[path].source.shown
    for above in _above(path):
        for key, value in reading.origins.get((file, above), {}).items():
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


def _written_out(origin: dict[str, Any], references: dict[str, str]) -> dict[str, Any]:
    named = _names(origin)
    return origin | {"source": "; ".join(references.get(n, n) for n in named) if named else None}


def _names(origin: dict[str, Any]) -> list[str]:
    source = origin.get("source")
    return [source] if isinstance(source, str) else list(source or ())


def _check_names(references: dict[str, str], reading: Reading) -> None:
    """Report a source of one word that is no reference; without references it may be anything."""
    if not references:
        return
    groups = ((path, origin) for (_, path), origin in reading.origins.items())
    for path, origin in (*groups, *reading.sources.items()):
        for name in _names(origin):
            if " " not in name and name not in references:
                _report_unknown(name, path, references, reading)


def _report_unknown(name: str, path: str, references: dict[str, str], reading: Reading) -> None:
    span = reading.value_spans.get(f"{path}.source") or reading.key_spans.get(path)
    reading.problems.report(
        FileRule.UNKNOWN_REFERENCE,
        span or reading.value_spans[path],
        message=f"source `{shorten(name)}` is not described",
        found=["`references` names " + (", ".join(f"`{n}`" for n in references))],
        helps=did_you_mean(name, references) or ["add it to `references`, or write it out"],
    )
