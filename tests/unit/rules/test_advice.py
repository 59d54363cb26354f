"""Helps by role, ways that only the job's wishes leave out, and places in the job file."""

from pathlib import Path

import pytest

from hpcrun.loading import load_job_with_positions
from hpcrun.model.diagnostic import Diagnostic, Role
from hpcrun.model.job import MpiWish
from hpcrun.planner import plan_job
from hpcrun.rules import advise
from tests.unit.planner.measured import IMAGES, SHARE, STACKS, site
from tests.unit.rules.given import BASE

OPENMPI = IMAGES["debian13-openmpi-5.0.7"]


def diagnostics_of(text: str, folder: Path) -> list[Diagnostic]:
    file = folder / "job.yaml"
    given = {line.split(":")[0] for line in text.splitlines()}
    base = [f"{key}: {value}" for key, value in BASE.items() if key not in given]
    file.write_text("\n".join([*base, text]) + "\n", encoding="utf-8")
    job, positions = load_job_with_positions(file)
    job = job.model_copy(update={"workdir": SHARE})
    here = site()
    made = plan_job(job, here, {"amd64": OPENMPI}, STACKS)
    return list(advise(made, job=job, site=here, positions=positions).diagnostics)


def helps(diagnostic: Diagnostic) -> list[str]:
    return [help_.text for help_ in diagnostic.help]


def test_help_names_a_way_that_only_the_wishes_leave_out(tmp_path: Path) -> None:
    (found,) = diagnostics_of("mpi: {pmi: pmi2}", tmp_path)
    assert helps(found)[0] == "use `mpi: {model: hybrid, pmi: pmix}`, which would work"


def test_help_names_the_execution_too_where_that_is_the_wish(tmp_path: Path) -> None:
    found = next(d for d in diagnostics_of("execution: emulated", tmp_path) if d.code == "HPR603")
    assert helps(found)[0].endswith("and `execution: native`, which would work")


def test_help_names_no_other_way_where_one_within_the_wishes_works(tmp_path: Path) -> None:
    found = diagnostics_of("resources: {nodes: 2, tasks: 3}\nmpi: {model: bind}", tmp_path)
    assert all("would work" not in text for d in found for text in helps(d))


def test_help_is_filled_in_from_the_site(tmp_path: Path) -> None:
    (found,) = diagnostics_of("submit: {partition: gpu}", tmp_path)
    assert helps(found) == ["set `submit: {partition: …}` to one of `main`"]


PLACES = {
    "mpi: {pmi: pmi2}": (6, 6),
    "resources: {nodes: 3, tasks: 3}": (5, 20),
    "submit: {partition: gpu}": (6, 21),
}


@pytest.mark.parametrize(("text", "place"), PLACES.items(), ids=["mpi", "nodes", "partition"])
def test_place_is_that_of_the_key(text: str, place: tuple[int, int], tmp_path: Path) -> None:
    located = diagnostics_of(text, tmp_path)[0].location
    assert located is not None
    assert (located.line, located.column) == place


def test_place_of_a_key_that_is_not_there_is_the_file(tmp_path: Path) -> None:
    without_workdir = diagnostics_of("mpi: {pmi: pmi2}", tmp_path)[0]
    made = plan_without_key(tmp_path)
    assert without_workdir.location is not None
    assert made.location is not None
    assert (made.location.line, Path(made.location.file).name) == (None, "job.yaml")


def plan_without_key(folder: Path) -> Diagnostic:
    job, positions = load_job_with_positions(folder / "job.yaml")
    job = job.model_copy(update={"workdir": Path("/not/shared"), "mpi": MpiWish()})
    here = site()
    made = plan_job(job, here, {"amd64": OPENMPI}, STACKS)
    return advise(made, job=job, site=here, positions=positions).diagnostics[0]


def test_helps_stand_in_the_order_of_the_roles(tmp_path: Path) -> None:
    order = list(Role)
    for diagnostic in diagnostics_of("mpi: {pmi: pmi2}", tmp_path):
        roles = [order.index(help_.role) for help_ in diagnostic.help]
        assert roles == sorted(roles)
