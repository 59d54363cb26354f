"""A template cannot let unquoted text out."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment, TemplateError, nodes

from hpcrun import resources
from hpcrun.render.environments import (
    UnquotedValueError,
    body_environment,
    header_environment,
)

TEMPLATES = sorted(resources.templates_folder().glob("*.j2"))
FILTERS = {
    "header": {"sbatch", "sbatch_pattern", "option_name"},
    "body": {"sh", "variable"},
}
NUMBERS = {"nodes", "tasks", "tasks_per_node", "cpus_per_task", "gpus_per_node"}
EXPRESSION = re.compile(r"\{\{(.*?)\}\}")
BOTH = pytest.mark.parametrize("environment", [header_environment(), body_environment()])


@BOTH
@pytest.mark.parametrize(
    "source",
    [
        "{{ text }}",
        "{{ 'literal' }}",
        "{{ text ~ text }}",
        "{{ text + text }}",
        "{{ text[1:] }}",
        "{{ yes }}",
        "{{ none }}",
        "{{ 1.5 }}",
        "{{ items }}",
    ],
)
def test_expression_unquoted_is_refused(environment: Environment, source: str) -> None:
    values = {"text": "a b", "yes": True, "items": ["a"]}
    with pytest.raises(UnquotedValueError):
        environment.from_string(source).render(values)


@BOTH
@pytest.mark.parametrize("source", ["{{ items|join }}", "{{ text|safe }}", "{{ text|format(1) }}"])
def test_filter_of_jinja_is_unknown(environment: Environment, source: str) -> None:
    with pytest.raises(TemplateError):
        environment.from_string(source).render(text="a", items=["a"])


def test_header_refuses_shell_quoting_and_body_refuses_sbatch_quoting() -> None:
    with pytest.raises(TemplateError):
        header_environment().from_string("{{ 'a'|sh }}")
    with pytest.raises(TemplateError):
        body_environment().from_string("{{ 'a'|sbatch }}")


@BOTH
def test_undefined_name_is_refused(environment: Environment) -> None:
    with pytest.raises((TemplateError, UnquotedValueError)):
        environment.from_string("{{ nothing }}").render()


@BOTH
def test_whole_number_passes(environment: Environment) -> None:
    assert environment.from_string("{{ n }}").render(n=4) == "4"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_template_expression_ends_in_a_filter_of_its_place(path: Path) -> None:
    kind = "header" if path.name.startswith("header") else "body"
    environment = header_environment() if kind == "header" else body_environment()
    tree = environment.parse(path.read_text(encoding="utf-8"))
    unfiltered = []
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            is_number = isinstance(node, nodes.Name) and node.name in NUMBERS
            is_filtered = isinstance(node, nodes.Filter) and node.name in {
                *FILTERS[kind],
                "remark",
            }
            if not isinstance(node, nodes.TemplateData) and not is_number and not is_filtered:
                unfiltered.append(node)
    assert unfiltered == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_template_expression_stands_outside_quotes(path: Path) -> None:
    inside = []
    for line in path.read_text(encoding="utf-8").splitlines():
        bare = re.sub(r"\{%.*?%\}", "", line)
        for match in EXPRESSION.finditer(bare):
            before = re.sub(r"\\.", "", EXPRESSION.sub("", bare[: match.start()]))
            if not is_comment(bare) and (before.count('"') % 2 or before.count("'") % 2):
                inside.append(line)
    assert inside == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_remark_stands_in_comments_only_and_nothing_else_does(path: Path) -> None:
    wrong = []
    for line in path.read_text(encoding="utf-8").splitlines():
        filters = [e.rpartition("|")[2].strip() for e in EXPRESSION.findall(line)]
        if any((name == "remark") != is_comment(line) for name in filters):
            wrong.append(line)
    assert wrong == []


def is_comment(line: str) -> bool:
    return line.startswith("#") and not line.startswith("#SBATCH")
