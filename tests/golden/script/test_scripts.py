"""One plan gives one script: each folder beside this file is a case."""

from pathlib import Path

import pytest

from hpcrun.model.plan import Plan
from hpcrun.render import RunPlace, open_place, render_script, script_sha256
from tests.conftest import Golden
from tests.unit.render.sbatch_parser import read_options

CASES = sorted(p.parent for p in Path(__file__).parent.glob("*/plan.json"))
each_case = pytest.mark.parametrize("case", CASES, ids=lambda p: p.name)


def load(case: Path) -> Plan:
    return Plan.model_validate_json((case / "plan.json").read_text(encoding="utf-8"))


@each_case
def test_script_of_case_is_as_kept(case: Path, golden: Golden) -> None:
    plan = load(case)
    golden(render_script(plan, place=open_place(plan)), case / "job.sh")


@each_case
def test_script_header_says_to_sbatch_what_the_plan_says(case: Path) -> None:
    plan = load(case)
    options = read_options(render_script(plan, place=open_place(plan)))
    said = dict(option.removeprefix("--").partition("=")[::2] for option in options)
    extra = plan.layout.extra
    assert said["job-name"] == plan.job
    assert said["chdir"] == str(plan.workdir)
    assert said.get("account") == plan.layout.account
    assert {name: said[name] for name in extra} == extra
    assert len(said) == len(options)


def test_script_same_plan_and_place_same_bytes() -> None:
    plan = load(CASES[0])
    place = RunPlace(folder=Path("/r/x-1"), name="x-1", token="1")
    assert render_script(plan, place=place) == render_script(plan, place=place)


def test_script_other_command_other_digest() -> None:
    plan = load(CASES[0])
    other = plan.model_copy(update={"argv": (*plan.argv, "")})
    assert script_sha256(plan) != script_sha256(other)
    assert script_sha256(plan) == script_sha256(plan)
