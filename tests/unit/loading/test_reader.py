"""The model has the last word, and its word is told at a place in the file."""

from pathlib import Path

import pytest
from pydantic import Field

from hpcrun.errors import InputError
from hpcrun.loading.problems import Problems
from hpcrun.loading.reader import make_value
from hpcrun.loading.shapes import Reading
from hpcrun.loading.source import make_source
from hpcrun.model.base import Value


class Part(Value):
    walltime_s: int = Field(ge=10)
    sizes: tuple[int, ...] = ()


class Whole(Value):
    part: Part
    name: str


SOURCE = make_source(Path("job.yaml"), "part: {walltime: 5, sizes: [1, x]}\nname: a\n")
SPANS = {
    "part": SOURCE.span(1, 7),
    "part.walltime": SOURCE.span(1, 18, 1),
    "part.sizes": SOURCE.span(1, 28),
    "part.sizes.1": SOURCE.span(1, 32, 1),
}


def test_what_only_the_model_refuses_is_told_at_its_place() -> None:
    reading = Reading(Problems(), value_spans=dict(SPANS))
    values = {"part": {"walltime_s": 5, "sizes": [1, "x"]}, "name": 3}
    with pytest.raises(InputError) as error:
        make_value(Whole, values, source=SOURCE, reading=reading)
    told = [(d.location.line, d.location.column, d.message) for d in error.value.diagnostics]
    assert told == [
        (1, 1, "`the file` cannot be used"),
        (1, 18, "`part.walltime` cannot be used"),
        (1, 32, "`part.sizes.1` cannot be used"),
    ]


def test_what_the_model_takes_is_its_value() -> None:
    values = {"part": {"walltime_s": 10}, "name": "a"}
    value = make_value(Whole, values, source=SOURCE, reading=Reading(Problems()))
    assert value == Whole(part=Part(walltime_s=10), name="a")
