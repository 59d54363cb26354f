"""The example of each page fires its rule with the page's message; its nearest miss does not."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from hpcrun.app.passports import read_passports
from hpcrun.errors import InputError
from hpcrun.loading import load_job, load_site
from hpcrun.model.diagnostic import Diagnostic
from hpcrun.rules import read_page
from hpcrun.tables import rules
from tests.unit.rules.cases import CASES
from tests.unit.rules.given import load_fragment, plan_with

FILE_RULES = [row.code for row in rules().values() if row.made_by == "loading"]


def example(code: str) -> str:
    blocks = re.findall(r"```yaml\n(.*?)```", read_page(code), re.DOTALL)
    assert len(blocks) == 1
    return str(blocks[0])


def shown(code: str) -> str:
    said = re.search(r"hpcrun says:\n\n```\n(.*?)\n```", read_page(code), re.DOTALL)
    assert said is not None
    return said[1]


def said_of(code: str, diagnostics: Iterable[Diagnostic]) -> list[str]:
    return [f"{d.severity}[{d.code}]: {d.message}" for d in diagnostics if d.code == code]


@pytest.mark.parametrize("code", CASES)
def test_rule_fires_on_the_example_of_its_page(code: str, tmp_path: Path) -> None:
    plan = plan_with(CASES[code].fires, example(code), tmp_path)
    assert shown(code) in said_of(code, plan.diagnostics)


@pytest.mark.parametrize("code", CASES)
def test_rule_is_silent_on_the_nearest_miss(code: str, tmp_path: Path) -> None:
    case = CASES[code]
    fragment = example(code) if case.silent_job is None else case.silent_job
    plan = plan_with(case.silent, fragment, tmp_path)
    assert said_of(code, plan.diagnostics) == []


@pytest.mark.parametrize("code", CASES)
def test_errors_refuse_and_warnings_do_not(code: str, tmp_path: Path) -> None:
    plan = plan_with(CASES[code].fires, example(code), tmp_path)
    own = [each for each in plan.diagnostics if each.code == code]
    assert any(each.refuses for each in own) == (rules()[code].severity == "error")
    assert (plan.chosen is None) == plan.is_refused


@pytest.mark.parametrize("code", CASES)
def test_diagnostics_carry_evidence_and_help(code: str, tmp_path: Path) -> None:
    plan = plan_with(CASES[code].fires, example(code), tmp_path)
    fired = [d for d in plan.diagnostics if d.code == code]
    assert all(d.found and d.help and "{" not in d.message for d in fired)
    assert all(d.location is not None for d in fired)


ALLOWABLE = [code for code in CASES if rules()[code].allowable]


@pytest.mark.parametrize("code", ALLOWABLE)
def test_allowing_the_rule_lets_the_job_go_on_with_the_reason_on_record(
    code: str, tmp_path: Path
) -> None:
    rows = [f"{{rule: {c}, because: tried by hand}}" for c in (code, *CASES[code].fires_too)]
    allow = f"{example(code)}allow: [{', '.join(rows)}]\n"
    plan = plan_with(CASES[code].fires, allow, tmp_path)
    fired = [d for d in plan.diagnostics if d.code == code]
    assert {d.allowed_because for d in fired} == {"tried by hand"}
    assert not plan.is_refused


@pytest.mark.parametrize("code", [code for code in CASES if code not in [*ALLOWABLE, "HPR004"]])
def test_rule_that_cannot_be_allowed_refuses_all_the_same(code: str, tmp_path: Path) -> None:
    allow = f"{example(code)}allow: [{{rule: {code}, because: tried by hand}}]\n"
    plan = plan_with(CASES[code].fires, allow, tmp_path)
    assert plan.is_refused
    assert said_of("HPR004", plan.diagnostics) != []


@pytest.mark.parametrize("code", FILE_RULES)
def test_file_rule_fires_on_the_example_of_its_page(code: str, tmp_path: Path) -> None:
    load = load_site if "In a profile:" in read_page(code) else load_job
    file = tmp_path / "file.yaml"
    file.write_text(example(code), encoding="utf-8")
    with pytest.raises(InputError) as error:
        load(file)
    assert shown(code) in said_of(code, error.value.diagnostics)


def test_address_of_an_image_fires_the_example_of_its_page(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        read_passports(load_fragment(example("HPR210"), tmp_path))
    assert said_of("HPR210", error.value.diagnostics) == [shown("HPR210")]
