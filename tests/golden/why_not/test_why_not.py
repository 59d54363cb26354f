"""The pages of `hpcrun why-not` for cases of the golden plans."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hpcrun import resources
from hpcrun.app.passports import load_passport
from hpcrun.app.why_not import why_not
from hpcrun.loading import load_job, load_site
from hpcrun.report.why_not import format_why_not

HERE = Path(__file__).resolve().parent
PLANS = HERE.parent / "plan"
CASES = {
    "ineffective-bind": ("refused-ineffective-bind", "bind"),
    "other-pmi": ("refused-mpich-on-pmix-only", "hybrid"),
    "foreign": ("refused-foreign", "hybrid --mpi=pmix"),
    "chosen": ("hybrid-openmpi", "hybrid --mpi=pmix"),
}


@pytest.mark.parametrize(("case", "words"), CASES.values(), ids=CASES)
def test_page(
    case: str,
    words: str,
    golden: Callable[[str, Path], None],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.chdir(PLANS / case)
    job = load_job(Path("job.yaml"))
    site = load_site(Path("site.yaml"), search=[resources.site_profiles_folder()])
    answer = why_not(words.split(), job, site, passports=load_passport(Path("facts.json"), job))
    name = request.node.callspec.id
    golden(format_why_not(answer).replace(f"{PLANS / case}/", ""), HERE / f"{name}.txt")
