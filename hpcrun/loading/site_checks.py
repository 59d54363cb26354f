"""Do a profile's values fit each other; does not read them, and knows nothing of the real site."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hpcrun.loading.nodes import Mapping, Node
from hpcrun.loading.problems import FileRule, did_you_mean, likely, shorten
from hpcrun.loading.shapes import Reading
from hpcrun.model.base import UNKNOWN
from hpcrun.model.diagnostic import Help

_REFERENCES = (
    ("partitions.*.node_classes[]", "node_classes", "node class"),
    ("partitions.*.qos[]", "qos", "quality of service"),
    ("qos.*.partitions[]", "partitions", "partition"),
    ("recipes[].node_classes[]", "node_classes", "node class"),
    ("recipes[].stack", "mpi_stacks", "stack"),
    ("recipes[].launcher", "launchers", "launcher"),
)
"""Where a profile names one of its own parts: place, group, and what a part is called."""

_OPTIONAL_GROUPS = frozenset({"qos", "launchers"})
"""Groups that need not be described: where they are left out, any name stands."""

_LIMITS = (
    ("partitions.*", "nodes_min", "nodes_max"),
    ("partitions.*", "nodes_max", "nodes"),
    ("qos.*", "nodes_min", "nodes_max"),
    ("node_classes.*", "sockets", "cores"),
    ("node_classes.*", "cores_reserved", "cores"),
    ("life", "from", "until"),
)
"""Pairs of which the first must not be above the second."""


def check_site(values: dict[str, Any], reading: Reading, tree: Node) -> None:
    """Report what cannot all be true, and names of parts that are not described.

    `tree` is what was read: a part that could not be used is there all the same.
    """
    for place, group, what in _REFERENCES:
        if group in reading.unknowns or (group in _OPTIONAL_GROUPS and group not in values):
            continue
        for path, name in find(values, place):
            if name not in (None, UNKNOWN) and name not in _names_of(tree, group):
                found = f"`{group}` has {_listed(values.get(group, {}))}"
                near = did_you_mean(str(name), values.get(group, {}))
                reading.problems.report(
                    FileRule.UNKNOWN_REFERENCE,
                    reading.value_spans[path],
                    message=f"{what} `{shorten(str(name))}` is not described",
                    found=[found],
                    helps=near or [f"describe it under `{group}`"],
                )
    for place, lower, upper in _LIMITS:
        for path, part in find(values, place):
            _check_limit(path, part, lower, upper, reading)
    for path, part in find(values, "node_classes.*"):
        _check_sockets(path, part, reading)
    _check_mpi_types(values, reading)
    _check_default(values, reading)


def find(values: Any, place: str, path: str = "") -> Iterator[tuple[str, Any]]:
    """Give paths and values at a place: `*` is each name, `[]` each item."""
    step, _, rest = place.partition(".")
    name = step.removesuffix("[]")
    if not isinstance(values, dict):
        return
    for key in list(values) if name == "*" else [name]:
        if key not in values:
            continue
        below = f"{path}.{key}" if path else key
        parts = [(below, values[key])]
        if step.endswith("[]"):
            items = values[key] if isinstance(values[key], list) else ()
            parts = [(f"{below}.{index}", item) for index, item in enumerate(items)]
        for at, part in parts:
            if rest:
                yield from find(part, rest, at)
            else:
                yield at, part


def _names_of(tree: Node, group: str) -> frozenset[str]:
    entry = tree.get(group) if isinstance(tree, Mapping) else None
    if entry is None or not isinstance(entry.value, Mapping):
        return frozenset()
    return frozenset(part.key.text for part in entry.value.entries)


def _check_limit(path: str, part: Any, lower: str, upper: str, reading: Reading) -> None:
    low, high = (part.get(lower), part.get(upper)) if isinstance(part, dict) else (None, None)
    if low in (None, UNKNOWN) or high in (None, UNKNOWN) or low <= high:
        return
    _contradict(
        f"{path}.{lower}",
        f"`{path}.{lower}` is above `{upper}`",
        [f"`{lower}` is {low}", f"`{upper}` is {high}"],
        [likely("correct one of the two")],
        reading,
    )


def _check_sockets(path: str, part: Any, reading: Reading) -> None:
    sockets, cores = part.get("sockets"), part.get("cores")
    if not isinstance(sockets, int) or not isinstance(cores, int) or not 0 < sockets <= cores:
        return
    if cores % sockets:
        found = [f"`cores` is {cores}", f"`sockets` is {sockets}"]
        message = f"the cores of `{path}` cannot be shared out to its sockets"
        helps = [likely("`cores` counts all cores of the node, without hardware threads")]
        _contradict(f"{path}.cores", message, found, helps, reading)


def _check_mpi_types(values: dict[str, Any], reading: Reading) -> None:
    """Report a type of srun that the profile names and srun does not offer."""
    scheduler = values.get("scheduler", {})
    types = scheduler.get("mpi_types")
    if not isinstance(types, list):
        return
    named = [
        *find(values, "scheduler.mpi_default"),
        *find(values, "recipes[].mpi_type"),
    ]
    for path, name in named:
        if name in (None, UNKNOWN, "none") or name in types:
            continue
        found = ["`scheduler.mpi_types` has " + _listed(types)]
        helps = did_you_mean(name, types) or [likely("add it there, if srun offers it")]
        _contradict(path, f"srun does not offer `{shorten(name)}`", found, helps, reading)


def _check_default(values: dict[str, Any], reading: Reading) -> None:
    partitions = find(values, "partitions.*.default")
    defaults = [path for path, is_default in partitions if is_default is True]
    if len(defaults) > 1:
        names = (p.removeprefix("partitions.").removesuffix(".default") for p in defaults)
        reading.problems.report(
            FileRule.CONFLICTING_KEYS,
            reading.value_spans[defaults[-1]],
            message=f"{len(defaults)} partitions are the default",
            found=["default: true in " + _listed(names)],
            helps=["keep the one that sbatch takes without `--partition`"],
        )


def _contradict(
    path: str, message: str, found: list[str], helps: Sequence[Help], reading: Reading
) -> None:
    reading.problems.report(
        FileRule.CONTRADICTION,
        reading.value_spans[path],
        message=message,
        found=found,
        helps=helps,
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{shorten(str(name))}`" for name in names) or "none"
