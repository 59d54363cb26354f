"""Reads one file by a shape, and checks the result by its model; does not know keys of any file."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hpcrun.loading.compose import compose
from hpcrun.loading.nodes import Node
from hpcrun.loading.positions import Positions
from hpcrun.loading.problems import FileRule, Problems, shorten
from hpcrun.loading.shapes import Place, Reading, Shape
from hpcrun.loading.source import Source, Unreadable, read_source

if TYPE_CHECKING:
    from pydantic import ValidationError

    from hpcrun.model.base import Value

V = TypeVar("V", bound="Value")

# Fields of the model whose names carry a unit that the key in the file does not.
_UNIT_ENDINGS = ("_s", "_mib")


def read_tree(path: Path, problems: Problems) -> tuple[Source, Node | None]:
    """Read a file into its tree; what keeps it from being one is reported."""
    source = read_source(path)
    if isinstance(source, Unreadable):
        problems.report(
            FileRule.UNREADABLE_YAML,
            source.span,
            message=source.message,
            found=[f"line {source.span.line}, column {source.span.column}"],
            helps=[source.help],
        )
        return source.span.source, None
    return source, compose(source, problems)


def read_values(
    tree: Node, shape: Shape, source: Source, problems: Problems
) -> tuple[dict[str, Any], Reading]:
    """Read the tree by its shape; values with problems are left out."""
    reading = Reading(problems)
    values = shape.read(tree, Place("", source.span(1, 1), reading))
    return values if isinstance(values, dict) else {}, reading


def stop_at_problems(source: Source, problems: Problems) -> None:
    """Raise what was found so far, if anything was."""
    if len(problems):
        problems.refuse(source.shown)


def make_value(model: type[V], values: Mapping[str, Any], *, source: Source, reading: Reading) -> V:
    """Make the model's value; what only the model refuses is reported at its place in the file."""
    from pydantic import ValidationError

    try:
        return model.model_validate(values)
    except ValidationError as error:
        _report_validation(error, source, reading)
        reading.problems.refuse(source.shown)


def _report_validation(error: "ValidationError", source: Source, reading: Reading) -> None:
    for detail in error.errors(include_url=False, include_input=False):
        path = _file_path(detail["loc"], reading)
        span = reading.value_spans.get(path, source.span(1, 1))
        reading.problems.report(
            FileRule.WRONG_VALUE,
            span,
            message=f"`{shorten(path) or 'the file'}` cannot be used",
            found=[shorten(detail["msg"], 80)],
            helps=["change the value"],
        )


def _file_path(loc: Iterable[int | str], reading: Reading) -> str:
    """Give the dotted path that the file has for a place in the model."""
    path = ""
    for part in loc:
        name = f"{path}.{part}" if path else str(part)
        bare = next((name.removesuffix(e) for e in _UNIT_ENDINGS if name.endswith(e)), name)
        step = next((p for p in (name, bare) if p in reading.value_spans), None)
        if step is None:
            break
        path = step
    return path


def positions_of(reading: Reading, files: Iterable[Path], *, source: Source) -> Positions:
    """Give the places of all values read, from one file or from one and its parents."""
    return Positions(reading.value_spans, reading.key_spans, tuple(files), text=source.text)
