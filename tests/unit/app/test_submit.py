"""A plan is handed over once, whatever happens in between."""

import os
from pathlib import Path
from typing import Any

import pytest

from hpcrun.app.submit import Planned, submit_run
from hpcrun.errors import MissingInputError, RefusedError, UnavailableError, UsageError
from hpcrun.model.plan import Plan, PlannedImage
from hpcrun.model.run import StartRecord
from hpcrun.model.site import Filesystems, Site
from tests.golden.script.make_case import plan as make_plan
from tests.unit.app.fakes import NOON, FakeSite, make_site

SITE = Site(
    version=1,
    name="fjord",
    file=Path("/etc/fjord.yaml"),
    filesystems=Filesystems(shared=(Path("/w"),)),
)


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    image = tmp_path / "image.sif"
    image.write_bytes(b"image")
    return Planned(plan_for(image), job_text="version: 1\n", site=SITE, passports={})


def plan_for(image: Path) -> Plan:
    seen = image.stat()
    return make_plan(
        image=PlannedImage(
            path=image,
            kind="sif",
            arch="amd64",
            digest="sif:0",
            size_bytes=seen.st_size,
            mtime_ns=seen.st_mtime_ns,
        )
    )


def submit(planned: Planned, site: FakeSite) -> Any:
    return submit_run(planned, runs=Path("/w/runs"), outside=site.outside)


def test_submit_writes_folder_script_and_answer(planned: Planned) -> None:
    site = make_site()
    result = submit(planned, site)
    folder = Path("/w/runs/brain-registration-t0")
    assert (result.run, result.job_id, result.folder) == (folder.name, "1", folder)
    assert result.output == folder / "logs" / "slurm-1.out"
    assert set(site.store.files[folder]) == {"job.yaml", "plan.json", "job.sh"}
    assert site.scheduler.requests[0].script == site.store.files[folder]["job.sh"]
    assert "hpcrun:t0" in site.scheduler.requests[0].script


def test_submit_refused_plan_writes_nothing(planned: Planned) -> None:
    site = make_site()
    refused = planned._replace(plan=planned.plan.model_copy(update={"chosen": None}))
    with pytest.raises(RefusedError):
        submit(refused, site)
    assert site.store.records == {}


def test_submit_image_gone_since_the_plan_writes_nothing(planned: Planned) -> None:
    site = make_site()
    planned.plan.image.path.unlink()
    with pytest.raises(MissingInputError, match="gone since"):
        submit(planned, site)
    assert (site.store.records, site.scheduler.requests) == ({}, [])


def test_submit_runs_that_the_nodes_do_not_see_are_refused(planned: Planned) -> None:
    site = make_site()
    with pytest.raises(UsageError, match="the nodes do not see the folder of runs `/tmp/runs`"):
        submit_run(planned, runs=Path("/tmp/runs"), outside=site.outside)
    assert site.store.records == {}


def test_submit_where_nobody_knows_what_nodes_see_goes_on(planned: Planned) -> None:
    unknown = SITE.model_copy(update={"filesystems": Filesystems()})
    site = make_site()
    submit_run(planned._replace(site=unknown), runs=Path("/tmp/runs"), outside=site.outside)
    assert len(site.store.records) == 1


@pytest.mark.parametrize("change", ["content", "time"])
def test_submit_image_changed_since_the_plan_writes_nothing(planned: Planned, change: str) -> None:
    site = make_site()
    if change == "content":
        planned.plan.image.path.write_bytes(b"another image")
    else:
        os.utime(planned.plan.image.path, ns=(0, 0))
    with pytest.raises(MissingInputError, match="has changed"):
        submit(planned, site)
    assert site.store.records == {}


def test_submit_refused_by_the_scheduler_leaves_no_folder(planned: Planned) -> None:
    site = make_site()
    site.scheduler.submit_errors = [RefusedError("Slurm refused the job")]
    with pytest.raises(RefusedError):
        submit(planned, site)
    assert site.store.records == {}


def test_submit_answer_lost_but_job_taken_is_found_by_its_token(planned: Planned) -> None:
    site = make_site()
    site.scheduler.submit_errors = [UnavailableError("timed out")]
    site.scheduler.takes_although = True
    assert submit(planned, site).job_id == "1"


def test_submit_not_taken_says_so_and_the_next_try_goes_on_with_the_same_run(
    planned: Planned,
) -> None:
    site = make_site()
    site.scheduler.submit_errors = [UnavailableError("no controller")]
    with pytest.raises(UnavailableError, match="did not take the job: no controller"):
        submit(planned, site)
    result = submit(planned, site)
    assert len(site.store.records) == 1
    assert {request.token for request in site.scheduler.requests} == {"t0"}
    assert not result.was_submitted_before


def test_submit_nobody_can_tell_says_so(planned: Planned) -> None:
    site = make_site()
    site.scheduler.submit_errors = [UnavailableError("timed out")]
    site.scheduler.is_down = True
    with pytest.raises(UnavailableError, match="cannot tell whether Slurm took the job"):
        submit(planned, site)


def test_submit_after_a_death_between_acceptance_and_record_submits_nothing(
    planned: Planned,
) -> None:
    site = make_site()
    first = submit(planned, site)
    records = site.store.records[first.folder]
    site.store.records[first.folder] = records.model_copy(update={"submission": None})
    again = submit(planned, site)
    assert (again.job_id, again.was_submitted_before) == (first.job_id, True)
    assert len(site.scheduler.requests) == 1


def test_submit_after_a_death_whose_job_slurm_forgot_trusts_the_job_s_record(
    planned: Planned,
) -> None:
    site = make_site()
    first = submit(planned, site)
    start = StartRecord(job_id="1", started_at=NOON)
    records = site.store.records[first.folder]
    changed = {"submission": None, "start": start}
    site.store.records[first.folder] = records.model_copy(update=changed)
    site.scheduler.tokens = {}
    assert submit(planned, site).was_submitted_before


def test_submit_beside_a_living_submission_is_another_run(planned: Planned) -> None:
    site = make_site()
    first = submit(planned, site)
    records = site.store.records[first.folder]
    site.store.records[first.folder] = records.model_copy(update={"submission": None})
    site.store.alive = {"t0"}
    assert submit(planned, site).run != first.run


def test_submit_long_after_a_dead_submission_is_another_run(planned: Planned) -> None:
    site = make_site()
    first = submit(planned, site)
    records = site.store.records[first.folder]
    site.store.records[first.folder] = records.model_copy(update={"submission": None})
    site.clock.sleep(3600)
    assert submit(planned, site).run != first.run


def test_submit_again_after_a_whole_submission_is_another_run(planned: Planned) -> None:
    site = make_site()
    assert submit(planned, site).run != submit(planned, site).run
