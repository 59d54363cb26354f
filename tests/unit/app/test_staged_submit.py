"""What a site does not see is sent before the job is handed over; what it lacks is told before."""

from pathlib import Path
from typing import Any

import pytest

from hpcrun.app.check_paths import JobFile, check_paths
from hpcrun.app.fetch import fetch_run
from hpcrun.app.submit import Planned, submit_run
from hpcrun.errors import RefusedError, UnavailableError, UsageError
from hpcrun.model.job import Allow, Image, ImageRef, Job
from hpcrun.model.plan import Plan, PlannedImage
from hpcrun.model.run import JobReport, JobState, RunRecords, Staged
from hpcrun.model.site import Access, Filesystems, Site, SshAccess
from hpcrun.model.staging import Transfer
from tests.golden.script.make_case import plan as make_plan
from tests.unit.app.fakes import FakeFiles, FakeSite, FakeStaging, make_run, make_site

FAR = Site(
    version=1,
    name="fjord",
    file=Path("/etc/fjord.yaml"),
    access=Access(ssh=SshAccess(host="far")),
    filesystems=Filesystems(shared=(Path("/w"),)),
)


def make_job(**changes: Any) -> Job:
    image = Image(any_arch=ImageRef(ref="/w/image.sif"))
    values = {"name": "hello", "command": ("true",), "workdir": "/w", "file": "/w/job.yaml"}
    return Job.model_validate({"version": 1, "image": image, **values, **changes})


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    image = tmp_path / "image.sif"
    image.write_bytes(b"image")
    seen = image.stat()
    planned = PlannedImage(
        path=image,
        kind="sif",
        arch="amd64",
        digest="sif:0",
        size_bytes=5,
        mtime_ns=seen.st_mtime_ns,
    )
    return make_plan(image=planned, workdir=tmp_path, mounts=())


def away(plan: Plan) -> FakeSite:
    site = make_site()
    transfer = Transfer(runs_at_site=Path("/far/runs"), workdir=plan.workdir)
    site.staging = FakeStaging(transfer)
    return site


def submit(plan: Plan, site: FakeSite, **job: Any) -> Any:
    planned = Planned(plan, "version: 1\n", FAR, {}, JobFile(make_job(**job)))
    return submit_run(planned, runs=Path("/home/anna/runs"), outside=site.outside)


def test_files_are_sent_before_the_script_that_names_them(plan: Plan) -> None:
    site = away(plan)
    result = submit(plan, site, stage_out=("out",))
    assert site.staging is not None
    (run,) = site.staging.sent
    folder = Path("/far/runs") / run.name
    assert run.staged == Staged(folder=folder, workdir=plan.workdir, stage_out=("out",))
    assert result.folder == Path("/home/anna/runs") / run.name
    (request,) = site.scheduler.requests
    assert f"run_folder={folder}\n" in request.script
    assert f"workdir={folder}/work\n" in request.script


def test_connection_lost_while_files_are_sent_goes_on_with_the_same_run(plan: Plan) -> None:
    site = away(plan)
    assert site.staging is not None
    site.staging.errors = [UnavailableError("cannot reach the site by ssh: far: lost")]
    with pytest.raises(UnavailableError, match="lost"):
        submit(plan, site)
    assert site.scheduler.requests == []
    result = submit(plan, site)
    assert (result.run, len(site.store.records)) == ("brain-registration-t0", 1)
    assert [run.name for run in site.staging.sent] == [result.run]


def test_connection_lost_after_the_submission_finds_the_job_by_its_token(plan: Plan) -> None:
    site = away(plan)
    site.scheduler.takes_although = True
    site.scheduler.submit_errors = [UnavailableError("the connection to far was lost")]
    assert submit(plan, site).job_id == "1"
    assert len(site.scheduler.requests) == 1


def test_run_that_slurm_refuses_is_removed_and_may_be_sent_again(plan: Plan) -> None:
    site = away(plan)
    site.scheduler.submit_errors = [RefusedError("no such account")]
    with pytest.raises(RefusedError):
        submit(plan, site)
    assert site.store.records == {}


def test_folder_that_is_not_at_the_site_is_told_before_anything_is_written(plan: Plan) -> None:
    site = away(plan)
    site.staging = FakeStaging(Transfer(runs_at_site=Path("/far/runs")))
    site.files.missing = {Path("/w/here")}
    with pytest.raises(RefusedError, match="files that it needs are not at the site") as caught:
        submit(plan.model_copy(update={"workdir": Path("/w/here")}), site)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == ("HPR502", "there is no `/w/here` at the site")
    assert diagnostic.help
    assert (site.store.records, site.scheduler.requests) == ({}, [])


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({"workdir": Path("/w/a"), "image": Path("/w/i.sif")}, [(Path("/w/a"), Path("/w/i.sif"))]),
        ({"workdir": Path("work"), "image": Path("/elsewhere/i.sif")}, [()]),
    ],
)
def test_one_question_asks_for_all_that_the_nodes_share(
    plan: Plan, changes: dict[str, Path], asked: list[tuple[Path, ...]]
) -> None:
    image = plan.image.model_copy(update={"path": changes["image"]})
    files = FakeFiles()
    check_paths(plan.model_copy(update={**changes, "image": image}), FAR, files)
    assert files.asked == asked


def test_missing_image_has_its_own_rule_and_an_allowed_one_is_let_pass(plan: Plan) -> None:
    image = Path("/w/i.sif")
    moved = plan.model_copy(update={"image": plan.image.model_copy(update={"path": image})})
    files = FakeFiles(missing={image})
    with pytest.raises(RefusedError) as caught:
        check_paths(moved, FAR, files, written=JobFile(make_job()))
    assert [one.code for one in caught.value.diagnostics] == ["HPR508"]
    allow = (Allow(rule="HPR508", because="it is on the nodes"),)
    check_paths(moved, FAR, files, written=JobFile(make_job(allow=allow)))


def test_fetch_of_a_run_whose_site_sees_its_files_is_refused() -> None:
    site = make_site()
    with pytest.raises(UsageError, match="has nothing to fetch"):
        fetch_run(RunRecords(run=make_run()), site.outside)


def test_fetch_before_the_end_is_refused(plan: Plan) -> None:
    site = away(plan)
    result = submit(plan, site)
    with pytest.raises(UsageError, match="has not ended"):
        fetch_run(_running(site, result.folder), site.outside)


def _running(site: FakeSite, folder: Path) -> RunRecords:
    records = site.store.read_run(folder)
    report = JobReport(job_id="1", state=JobState.RUNNING, token=records.run.token)
    site.scheduler.story = [{"1": report}]
    return records
