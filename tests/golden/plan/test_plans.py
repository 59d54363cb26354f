"""Each folder here is a job, a site and what was read of the image, and the whole plan for them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hpcrun import resources
from hpcrun.app.passports import load_passport
from hpcrun.app.plan import plan
from hpcrun.loading import load_job_with_positions, load_site
from hpcrun.model.plan import Candidate, Plan
from hpcrun.report.diagnostics import format_diagnostics
from hpcrun.report.plan import format_plan

HERE = Path(__file__).resolve().parent
CASES = sorted(path for path in HERE.iterdir() if (path / "job.yaml").exists())


def plan_here(case: Path) -> Plan:
    job, positions = load_job_with_positions(Path("job.yaml"))
    site = load_site(Path("site.yaml"), search=[resources.site_profiles_folder()])
    passports = load_passport(case / "facts.json", job)
    return plan(job, site, positions=positions, passports=passports)


def candidate_line(candidate: Candidate) -> str:
    way = [
        candidate.image_arch,
        candidate.execution,
        candidate.model,
        candidate.mpi_stack or "-",
        candidate.launcher,
        candidate.srun_mpi or "-",
    ]
    codes = " ".join(reason.code for reason in candidate.reasons)
    return f"{' '.join(way)}: {candidate.verdict} {codes}".rstrip()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plan_is_the_golden_one(
    case: Path, golden: Callable[[str, Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(case)
    made = plan_here(case)
    whole = json.dumps(
        made.to_json() | {"candidates": "candidates.txt"}, indent=1, ensure_ascii=False
    )
    texts = {
        "plan.json": whole,
        "candidates.txt": "\n".join(map(candidate_line, made.candidates)),
        "stdout.txt": format_plan(made).rstrip("\n"),
        "stderr.txt": format_diagnostics(made.diagnostics),
    }
    for name, text in texts.items():
        golden(text.replace(f"{case}/", "") + "\n", case / "expected" / name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plan_is_the_same_when_made_again(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case)
    assert plan_here(case) == plan_here(case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plan_survives_its_own_json(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case)
    made = plan_here(case)
    assert Plan.model_validate_json(made.model_dump_json()) == made
