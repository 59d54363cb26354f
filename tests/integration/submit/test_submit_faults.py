"""Whatever Slurm or the disk does, a job is submitted once or not at all, and hpcrun says which."""

import json
import shutil
from pathlib import Path

import pytest

from hpcrun.app.list_runs import find_run
from hpcrun.app.status import read_status
from hpcrun.errors import RefusedError, UnavailableError, WriteError
from hpcrun.model.run import JobState
from tests.integration.submit.conftest import FaultySite
from tests.integration.submit.submit_plan import make_outside


def test_submit_that_goes_well_leaves_a_whole_folder(site: FaultySite) -> None:
    result = site.submit()
    assert (result.job_id, site.jobs, [result.folder]) == ("1", ["1"], site.runs)
    names = {p.name for p in result.folder.iterdir()}
    assert names == {"job.yaml", "plan.json", "job.sh", "run.json", "logs", "submitted.json"}
    assert (site.bin / "script-1").read_text() == (result.folder / "job.sh").read_text()


def test_submit_hides_the_caller_s_environment(
    site: FaultySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SBATCH_ACCOUNT", "SLURM_JOB_ID", "LD_PRELOAD_X", "OMPI_MCA_btl"):
        monkeypatch.setenv(name, "leak")
    site.submit()
    assert "leak" not in (site.bin / "sbatch-environment").read_text()


def test_submit_refused_by_slurm_says_slurms_words_and_leaves_nothing(site: FaultySite) -> None:
    site.behave("refuse")
    with pytest.raises(RefusedError) as caught:
        site.submit()
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "HPR801"
    assert diagnostic.found == (
        "Batch job submission failed: Invalid account or account/partition combination specified",
    )
    assert (site.runs, site.jobs) == ([], [])


def test_submit_without_slurm_is_unavailable(
    site: FaultySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.bin / "sbatch").unlink()
    (site.bin / "squeue").unlink()
    for tool in ("sh", "tar", "mv", "mkdir", "rm", "cat", "ln", "sync"):
        (site.bin / tool).symlink_to(str(shutil.which(tool)))
    monkeypatch.setenv("PATH", str(site.bin))
    with pytest.raises(UnavailableError, match="cannot run `sbatch`"):
        site.submit()


@pytest.mark.usefixtures("quick")
def test_submit_controller_down_then_up_goes_on_with_the_same_run(site: FaultySite) -> None:
    site.behave("unreachable")
    with pytest.raises(UnavailableError, match=r"did not take the job.*Unable to contact"):
        site.submit()
    # This very process began the run and lives on, so another one must go on with it.
    site.behave("ok")
    (run,) = site.runs
    forget_submitter(run)
    result = site.submit()
    assert (result.folder, site.runs, site.jobs) == (run, [run], ["1"])


@pytest.mark.usefixtures("quick")
def test_submit_controller_and_queue_down_cannot_tell(site: FaultySite) -> None:
    site.behave("lost-answer")
    (site.bin / "squeue-is-down").touch()
    with pytest.raises(UnavailableError, match="cannot tell whether Slurm took the job"):
        site.submit()
    (site.bin / "squeue-is-down").unlink()
    (run,) = site.runs
    forget_submitter(run)
    outside = make_outside()
    status = read_status(find_run(None, runs=run.parent, store=outside.store), outside)
    assert (status.state, status.job_id) == (JobState.PENDING, "1")


@pytest.mark.parametrize("mode", ["lost-answer", "garbage"])
def test_submit_answer_lost_is_found_by_the_token(site: FaultySite, mode: str) -> None:
    site.behave(mode)
    assert (site.submit().job_id, site.jobs) == ("1", ["1"])


def test_submit_sbatch_that_hangs_after_it_took_the_job_is_found(
    site: FaultySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpcrun.scheduler.slurm.SUBMIT_TIMEOUT_S", 0.5)
    site.behave("hang")
    assert (site.submit().job_id, site.jobs) == ("1", ["1"])


@pytest.mark.parametrize(("mode", "jobs_after"), [("kill-before", []), ("kill-after", ["1"])])
def test_submit_killed_and_tried_again_has_one_run_and_one_job(
    site: FaultySite, mode: str, jobs_after: list[str]
) -> None:
    site.behave(mode)
    assert site.submit_apart().returncode == -9
    assert site.jobs == jobs_after
    site.behave("ok")
    again = site.submit_apart()
    assert again.returncode == 0, again.stdout + again.stderr
    result = json.loads(again.stdout)
    assert (result["job_id"], len(site.runs), site.jobs) == ("1", 1, ["1"])
    assert result["was_submitted_before"] == bool(jobs_after)


@pytest.mark.parametrize("tool", ["tar", "mv", "sync"])
def test_submit_killed_while_the_folder_is_written_leaves_no_run(
    site: FaultySite, tool: str
) -> None:
    # The command's parent is the writing shell, whose parent is hpcrun.
    site.put(tool, '#!/bin/sh\nset -- $(cat "/proc/$PPID/stat")\nkill -9 "$4" "$PPID"\n')
    assert site.submit_apart().returncode == -9
    assert [p for p in site.runs if not p.name.startswith(".")] == []
    (site.bin / tool).unlink()
    assert site.submit_apart().returncode == 0
    assert site.jobs == ["1"]


@pytest.mark.parametrize("tool", ["tar", "mkdir"])
def test_submit_disk_full_is_a_write_error_and_leaves_nothing(site: FaultySite, tool: str) -> None:
    site.put(tool, f"#!/bin/sh\necho '{tool}: cannot write: No space left on device' >&2\nexit 2\n")
    with pytest.raises(WriteError, match="No space left on device"):
        site.submit()
    assert (site.runs, site.jobs) == ([], [])


def test_submit_disk_full_after_the_job_was_taken_names_the_job(site: FaultySite) -> None:
    site.put("ln", "#!/bin/sh\nexit 1\n")
    with pytest.raises(WriteError, match="Slurm took job 1, but that cannot be recorded"):
        site.submit()


def test_submit_runs_folder_that_is_a_file_is_a_write_error(site: FaultySite) -> None:
    (site.folder / "runs").write_text("")
    with pytest.raises(WriteError, match="cannot write"):
        site.submit()


def test_two_submits_at_once_are_two_runs(site: FaultySite) -> None:
    first, second = site.submit(), site.submit()
    assert first.run != second.run
    assert site.jobs == ["1", "2"]


def forget_submitter(run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    record["submitter"]["started"] = "0"
    (run / "run.json").write_text(json.dumps(record))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for a lost job without waiting long."""
    monkeypatch.setattr("hpcrun.app.submit.LOOK_AGAIN_AFTER_S", (0.0, 0.1))
