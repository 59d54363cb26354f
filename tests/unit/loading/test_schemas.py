"""The JSON Schemas are fresh, and say the same as the loader."""

import json
import math
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema.exceptions import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor

from hpcrun import resources
from hpcrun.errors import InputError
from hpcrun.loading import load_job, load_site
from tests.tools.make_schemas import make_schemas
from tests.unit.loading.test_job_file import WHOLE as WHOLE_JOB
from tests.unit.loading.test_site_file import WHOLE as WHOLE_SITE

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
LOADERS: dict[str, Callable[[Path], Any]] = {"job": load_job, "site": load_site}
WHOLES = {
    name: YAML(typ="safe", pure=True).load(text)
    for name, text in {"job": WHOLE_JOB, "site": WHOLE_SITE}.items()
}
TEXT_ONLY = {"HPR002", "HPR003", "HPR007"}
"""What is wrong with a text, not with the values that a YAML reader makes of it."""

BEYOND = {"HPR010", "HPR011", "HPR013"}
"""What only several places of a file, or several files, show to be wrong."""


def pattern_as_ecma(
    _validator: Any, pattern: str, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    """Take `$` for the end alone, as JSON Schema does, not also for a last line break."""
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


@cache
def validator(name: str) -> Any:
    schema = json.loads((resources.package_folder("schemas") / f"{name}.json").read_text())
    own = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
        jsonschema.Draft202012Validator, {"pattern": pattern_as_ecma}
    )
    return own(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def problems_of(name: str, path: Path) -> set[str]:
    try:
        LOADERS[name](path)
    except InputError as error:
        return {diagnostic.code for diagnostic in error.diagnostics}
    return set()


def assert_agreement(name: str, tree: Any, path: Path) -> None:
    """Loader and schema both take the values, or both refuse them."""
    codes = problems_of(name, path)
    if codes and codes <= TEXT_ONLY | BEYOND:
        return
    refused_by_schema = [error.message for error in validator(name).iter_errors(tree)]
    assert bool(codes) == bool(refused_by_schema), (codes, refused_by_schema)


def test_schemas_are_fresh() -> None:
    folder = resources.package_folder("schemas")
    shipped = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    assert shipped == make_schemas(), "run: python -m tests.tools.make_schemas"


@pytest.mark.parametrize("name", sorted(make_schemas()))
def test_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(make_schemas()[name]))


@pytest.mark.parametrize("name", ["job", "site"])
def test_whole_file_is_valid_in_both(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.yaml"
    path.write_text(json.dumps(WHOLES[name], default=str), encoding="utf-8")
    assert problems_of(name, path) == set()
    validator(name).validate(json.loads(path.read_text()))


class Constructor(SafeConstructor):
    """Reads dates as text, as JSON does."""


Constructor.add_constructor("tag:yaml.org,2002:timestamp", lambda _constructor, node: node.value)


def read_values(path: Path) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = Constructor
    yaml.allow_duplicate_keys = True
    return yaml.load(path)


FILES = [
    *(("job", path) for path in sorted((ROOT / "examples").glob("*/job*.yaml"))),
    *(("site", path) for path in sorted((ROOT / "site_profiles").glob("*.yaml"))),
    *(("job", path) for path in sorted((ROOT / "tests/golden/loading").glob("*/job.yaml"))),
    *(("site", path) for path in sorted((ROOT / "tests/golden/loading").glob("*/site.yaml"))),
]


@pytest.mark.parametrize(
    ("name", "path"), FILES, ids=[str(path.relative_to(ROOT)) for _, path in FILES]
)
def test_file_of_the_project_is_judged_alike(name: str, path: Path) -> None:
    codes = problems_of(name, path)
    if codes & TEXT_ONLY | codes & {"HPR011"}:
        assert path.parent.parent.name == "loading"  # one of the golden files
    else:
        assert_agreement(name, read_values(path), path)


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Give the paths of all parts of a tree."""
    below: list[tuple[Any, ...]] = []
    if isinstance(tree, dict):
        below = [p for key, value in tree.items() for p in places(value, (*path, key))]
    elif isinstance(tree, list):
        below = [p for key, value in enumerate(tree) for p in places(value, (*path, key))]
    return [path, *below]


def changed(tree: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(tree)
    key, *rest = path
    copy = tree.copy()
    copy[key] = changed(copy[key], tuple(rest), change)
    return copy


LETTERS = st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["C", "Z"])
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32).filter(
    lambda number: not number.is_integer() and math.isfinite(number)
)
WORDS = st.sampled_from(
    [
        *("", "auto", "none", "unknown", "local", "a b", "1", "0", "10:00", "2 GiB", "1-2", "0:00"),
        *("/a", "/a/..", "~/a", "$HOME", "${A}", "a://b", "docker://a", "amd64", "ref", "value"),
        *("source", "2026-11-20", "2026-02-30", "SLURM_A", "PMIX_MCA_a", "nodes", "hint", "-a"),
        *("a\tb", "a\nb", "A", "x" * 65, "slurm", "pmix", "true", "1e3", "HPR001"),
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 100)
    | NUMBERS
    | WORDS
    | st.text(LETTERS, max_size=4)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn, name: str) -> Any:
    """Take a whole file and change some parts of it."""
    tree = json.loads(json.dumps(WHOLES[name], default=str))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(tree)))
        value = draw(VALUES)
        key = draw(WORDS)
        kind = draw(st.sampled_from(["replace", "add", "remove", "annotate"]))

        def change(old: Any, *, kind: str = kind, key: str = key, value: Any = value) -> Any:
            if kind == "add" and isinstance(old, dict):
                return {**old, key: value}
            if kind == "remove" and isinstance(old, dict) and old:
                return dict(list(old.items())[1:])
            if kind == "annotate":
                return {"value": old, "source": value}
            return value

        tree = changed(tree, path, change)
    return tree


def dump(tree: Any, folder: Path) -> Path:
    path = folder / "mutated.yaml"
    path.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")
    return path


@SETTINGS
@given(tree=mutated("job"))
def test_changed_job_is_judged_alike(tree: Any, tmp_path: Path) -> None:
    assert_agreement("job", tree, dump(tree, tmp_path))


@SETTINGS
@given(tree=mutated("site"))
def test_changed_profile_is_judged_alike(tree: Any, tmp_path: Path) -> None:
    assert_agreement("site", tree, dump(tree, tmp_path))
