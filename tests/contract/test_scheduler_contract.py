"""What `hpcrun.ports.Scheduler` promises, kept by Slurm through its command line tools."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcrun.errors import RefusedError, UnavailableError
from hpcrun.loading import load_site
from hpcrun.model.run import JobReport, JobState, SubmitRequest
from hpcrun.scheduler.slurm import Slurm
from hpcrun.site.folders import profile_folders
from hpcrun.store.command_runner import PrefixRunner
from hpcrun.store.submitter import new_token
from hpcrun.store.system_clock import SystemClock
from tests.sandbox_fixture import CHECKOUT, Sandbox

pytestmark = pytest.mark.slurm

SCRIPT = """#!/bin/sh
#SBATCH --job-name="contract"
#SBATCH --comment="hpcrun:{token}"
#SBATCH --ntasks=1
#SBATCH --mem="20M"
#SBATCH --time="00:05:00"
#SBATCH --output="/dev/null"
{options}
{command}
"""
EMPTY: dict[str, JobReport] = {}


@pytest.fixture
def runner(sandbox: Sandbox) -> Iterator[PrefixRunner]:
    site = load_site(sandbox.profile, search=profile_folders({}))
    assert site.access.prefix is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(CHECKOUT))
        yield PrefixRunner(site.access.prefix)


@pytest.fixture
def slurm(runner: PrefixRunner) -> Slurm:
    return Slurm(runner, SystemClock(), has_accounting=False)


def request(command: str, *, options: str = "", token: str = "") -> SubmitRequest:
    token = token or new_token()
    script = SCRIPT.format(token=token, command=command, options=options)
    return SubmitRequest(script=script, run_name="contract", token=token, folder=Path("/"))


def wait_for(slurm: Slurm, job_id: str, *states: JobState) -> JobReport:
    deadline = time.monotonic() + 60
    while True:
        report = slurm.read_reports([job_id])[job_id]
        if report.state in states:
            return report
        assert time.monotonic() < deadline, report
        time.sleep(0.3)


@pytest.mark.parametrize(
    ("command", "state", "code", "signal"),
    [
        ("true", JobState.COMPLETED, 0, None),
        ("exit 3", JobState.FAILED, 3, None),
        ("kill -SEGV $$", JobState.FAILED, 0, 11),
    ],
)
def test_job_that_ended_is_reported_with_its_code(
    slurm: Slurm, command: str, state: JobState, code: int, signal: int | None
) -> None:
    submission = slurm.submit(request(command))
    report = wait_for(slurm, submission.job_id, state)
    assert (report.exit_code, report.signal, report.is_final) == (code, signal, True)
    assert report.started_at is not None
    assert report.ended_at is not None


def test_job_that_waits_gives_its_reason(slurm: Slurm) -> None:
    submission = slurm.submit(request("true", options='#SBATCH --begin="now+1hour"'))
    report = wait_for(slurm, submission.job_id, JobState.PENDING)
    assert (report.reason, report.is_final) == ("BeginTime", False)
    slurm.cancel(submission.job_id)
    assert wait_for(slurm, submission.job_id, JobState.CANCELLED).is_final


def test_job_that_runs_names_its_node_and_can_be_cancelled_twice(slurm: Slurm) -> None:
    submission = slurm.submit(request("sleep 300"))
    report = wait_for(slurm, submission.job_id, JobState.RUNNING)
    assert report.nodes
    assert report.elapsed_s is not None
    slurm.cancel(submission.job_id)
    wait_for(slurm, submission.job_id, JobState.CANCELLED)
    slurm.cancel(submission.job_id)


def test_job_is_found_by_its_token_and_the_first_of_two_counts(slurm: Slurm) -> None:
    asked = request("true")
    assert slurm.find_by_token(asked.token) is None
    first = slurm.submit(asked).job_id
    slurm.submit(asked)
    assert slurm.find_by_token(asked.token) == first


def test_jobs_nobody_knows_are_left_out(slurm: Slurm) -> None:
    known = slurm.submit(request("true")).job_id
    assert slurm.read_reports(["999999"]) == EMPTY
    assert set(slurm.read_reports([known, "999999"])) == {known}
    assert slurm.read_reports([]) == EMPTY
    slurm.cancel("999999")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ('#SBATCH --partition="nowhere"', "invalid partition"),
        ("#SBATCH --licenses=nothing:1", "invalid license"),
        ("#SBATCH --no-such-option", "no-such-option"),
        ("#SBATCH --time=never", "invalid --time"),
    ],
)
def test_job_that_is_refused_gives_slurms_own_words(slurm: Slurm, options: str, words: str) -> None:
    asked = request("true", options=options)
    with pytest.raises(RefusedError) as caught:
        slurm.submit(asked)
    assert words in " ".join(caught.value.diagnostics[0].found).lower()
    assert slurm.find_by_token(asked.token) is None


def test_controller_that_does_not_answer_is_unavailable(
    runner: PrefixRunner, sandbox: Sandbox, shared_folder: Path
) -> None:
    edit = "s/^SlurmctldHost=.*/SlurmctldHost=n1/; s/^MessageTimeout=.*/MessageTimeout=2/"
    elsewhere = shared_folder / "slurm.conf"
    made = sandbox.exec("sh", "-c", f'sed "{edit}" /etc/slurm/slurm.conf >"$0"', str(elsewhere))
    assert made.returncode == 0, made.stderr
    lost = Slurm(
        PrefixRunner((*runner.prefix, "env", f"SLURM_CONF={elsewhere}")),
        SystemClock(),
        has_accounting=False,
    )
    with pytest.raises(UnavailableError, match="Unable to contact slurm controller"):
        lost.submit(request("true"))
    with pytest.raises(UnavailableError, match="cannot ask Slurm"):
        lost.find_by_token("x")
    with pytest.raises(UnavailableError, match="cannot ask Slurm"):
        lost.read_reports(["1"])


def test_site_without_slurm_is_unavailable(runner: PrefixRunner) -> None:
    bare = PrefixRunner((*runner.prefix, "env", "PATH=/nowhere"))
    with pytest.raises(UnavailableError):
        Slurm(bare, SystemClock(), has_accounting=False).submit(request("true"))
