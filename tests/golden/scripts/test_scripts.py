"""Scripts of the kinds that real sites describe: what is said of each, and the job it becomes."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hpcrun import resources
from hpcrun.app.check import Means, check
from hpcrun.app.new_job import convert_script
from hpcrun.app.passports import load_passport
from hpcrun.app.plan import plan
from hpcrun.loading import load_job, load_site
from hpcrun.model.job import Allow
from hpcrun.report.check import format_check
from hpcrun.site.identify import FoundSite

HERE = Path(__file__).resolve().parent
CORPORA = HERE.parents[1] / "corpora"
CASES = sorted(path.parent for path in (CORPORA / "scripts").glob("*/case.json"))
TODAY = date(2026, 11, 20)


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand beside a script."""
    folder: Path = request.param
    monkeypatch.chdir(folder)
    return folder


def given(case: Path) -> dict[str, Any]:
    return dict(json.loads((case / "case.json").read_text(encoding="utf-8")))


def passport_of(case: Path) -> Path:
    return CORPORA / "images" / f"{given(case)['passport']}.facts.json"


def site_of(case: Path) -> FoundSite:
    path = resources.site_profiles_folder() / f"{given(case)['site']}.yaml"
    return FoundSite(load_site(path), path, "named", (path,))


def job_text(case: Path) -> str:
    return convert_script(
        Path("job.sbatch"), folder=case, environment=given(case)["environment"]
    ).text


def test_what_is_said_of_a_script_is_the_golden_text(
    case: Path, golden: Callable[[str, Path], None]
) -> None:
    means = Means(environment=given(case)["environment"], today=TODAY, passport=passport_of(case))
    text = format_check(check(Path("job.sbatch"), [site_of(case)], means))
    golden(text.replace(f"{case}/", ""), HERE / case.name / "check.txt")


def test_job_of_a_script_is_the_golden_one(case: Path, golden: Callable[[str, Path], None]) -> None:
    golden(job_text(case), HERE / case.name / "job.yaml")


def test_job_of_a_script_plans_at_its_site(case: Path, tmp_path: Path) -> None:
    """What only the site can know is allowed with the reason that the case gives."""
    file = tmp_path / "job.yaml"
    file.write_text(job_text(case), encoding="utf-8")
    job = load_job(file)
    allows = given(case)["allow"].items()
    job = job.model_copy(update={"allow": tuple(Allow(rule=c, because=w) for c, w in allows)})
    made = plan(job, site_of(case).site, passports=load_passport(passport_of(case), job))
    assert made.chosen is not None
    assert {d.code for d in made.diagnostics if d.allowed_because} == set(given(case)["allow"])
