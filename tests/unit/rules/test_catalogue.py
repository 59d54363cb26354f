"""Four-way check: every rule is registered, explained, tested and emitted, and nothing else is."""

import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from hpcrun import resources
from hpcrun.tables import rules
from tests.unit.rules.cases import CASES

PACKAGE = Path(resources.__file__).parent
TESTS = Path(__file__).resolve().parents[2]
PAGES = PACKAGE / "pages" / "rules"
SECTIONS = (
    "What is wrong and why it matters",
    "An example",
    "How to fix it",
    "When to allow it",
    "Sources",
)


def codes_in(text: str) -> set[str]:
    return set(re.findall(r'"(HPR\d{3})"', text))


def emitted() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    return {code for text in texts for code in codes_in(text)}


def codes_in_other_tests() -> set[str]:
    """Codes that other packages' tests and golden files name."""
    own = (Path(__file__), *Path(__file__).parent.glob("cases*.py"))
    files = [p for p in TESTS.rglob("*") if p.suffix in (".py", ".txt") and p not in own]
    return {
        code
        for path in files
        for code in re.findall(r"HPR\d{3}", path.read_text(encoding="utf-8", errors="replace"))
    }


def test_registered_rules_are_those_that_are_emitted() -> None:
    assert set(rules()) == emitted()


def test_registered_rules_are_those_that_are_explained() -> None:
    assert {f"{code}.md" for code in rules()} == {path.name for path in PAGES.iterdir()}


def test_rules_of_the_planner_have_a_firing_and_a_silent_case() -> None:
    own = {r.code for r in rules().values() if r.made_by in ("planner", "compat")}
    assert own == set(CASES)


def test_rules_of_other_packages_are_tested_there() -> None:
    others = {r.code for r in rules().values() if r.made_by not in ("planner", "compat")}
    assert others - codes_in_other_tests() == set()


def test_rules_keep_the_names_that_loading_gives_them() -> None:
    from hpcrun.loading.problems import FileRule

    given = {rule.code: rule.rule for rule in FileRule}
    assert given == {code: rules()[code].name for code in given}


@pytest.mark.parametrize("code", rules())
def test_page_has_its_title_and_sections_in_order(code: str) -> None:
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {code} {rules()[code].name}\n")
    assert tuple(re.findall(r"^## (.*)$", page, re.MULTILINE)) == SECTIONS


@pytest.mark.parametrize("code", rules())
def test_page_says_whether_the_rule_can_be_allowed(code: str) -> None:
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    words = (
        "a job may allow it with a reason" if rules()[code].allowable else "it cannot be allowed"
    )
    assert f"{rules()[code].severity} · {rules()[code].summary} · {words}\n" in page


def long_messages() -> Iterator[str]:
    """Yield the messages of pages that do not fit a line."""
    for path in sorted(PAGES.iterdir()):
        said = re.search(r"^(?:error|warning|note)\[.*?\]: (.*)$", path.read_text(), re.MULTILINE)
        if said is not None and len(said[1]) > 90:
            yield said[1]


def test_messages_fit_a_line() -> None:
    assert list(long_messages()) == []


@pytest.mark.parametrize("code", rules())
def test_page_gives_every_help_of_the_rule(code: str) -> None:
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    fixes = page.split("## How to fix it")[1].split("## ")[0]
    for row in rules()[code].help:
        assert f"- {row.role}: " in fixes
        assert all(text.strip() in fixes for text, *_ in Formatter().parse(row.text))
