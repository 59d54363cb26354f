"""Runs on a real Slurm: how they end, what is kept of them, and that they run once."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hpcrun.resources import package_folder
from tests.sandbox_fixture import NAME, Sandbox, run_hpcrun

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer]

LIMITS = "resources: {memory_per_node: 100 MiB, walltime: 5 min}\n"


class JobFolder:
    """A shared folder with a job file, and hpcrun on the login node in it."""

    def __init__(self, sandbox: Sandbox, folder: Path, image: Path) -> None:
        self.sandbox, self.folder, self.image = sandbox, folder, image

    def write(self, name: str, text: str) -> None:
        done = self.sandbox.exec("sh", "-c", 'cat >"$0"', str(self.folder / name), stdin=text)
        assert done.returncode == 0, done.stderr

    def job(self, command: list[str], rest: str = LIMITS) -> None:
        text = f"version: 1\nname: real\nimage: {json.dumps(str(self.image))}\n"
        self.write("job.yaml", f"{text}command: {json.dumps(command)}\n{rest}")

    def hpcrun(self, *argv: str, expect: int = 0) -> str:
        done = self.sandbox.hpcrun(*argv, folder=self.folder)
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout

    def submit(self, *options: str, expect: int = 0) -> dict[str, Any]:
        return self.json("submit", "job.yaml", *options, expect=expect)

    def json(self, command: str, *argv: str, expect: int = 0) -> dict[str, Any]:
        """What a command prints with --json, held against its shipped schema."""
        text = self.hpcrun(command, *argv, "--json", expect=expect)
        result: dict[str, Any] = json.loads(text)
        schema = json.loads((package_folder("schemas") / f"{command}.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(result)
        return result

    def status(self) -> dict[str, Any]:
        return self.json("status")

    def wait_for(self, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 120
        while not is_so(status := self.status()):
            assert time.monotonic() < deadline, status
            time.sleep(0.3)
        return status


@pytest.fixture
def job_folder(sandbox: Sandbox, shared_folder: Path, images: Mapping[str, Path]) -> JobFolder:
    return JobFolder(sandbox, shared_folder, images["nompi"])


@pytest.mark.parametrize(
    ("command", "code", "state"),
    [
        ("exit 0", 0, "COMPLETED"),
        ("exit 3", 3, "FAILED"),
        ("kill -SEGV $$", 139, "FAILED"),
    ],
)
def test_submit_wait_ends_with_the_code_of_the_job(
    job_folder: JobFolder, command: str, code: int, state: str
) -> None:
    job_folder.job(["sh", "-c", command])
    status = job_folder.submit("--wait", expect=code)["status"]
    assert (status["state"], status["exit_code"], status["stage"]) == (state, code, "application")


def test_submit_wait_that_takes_too_long_leaves_the_job(job_folder: JobFolder) -> None:
    job_folder.job(["sleep", "300"])
    job_folder.hpcrun("submit", "job.yaml", "--wait", "--timeout", "1s", expect=75)
    assert job_folder.status()["state"] in ("PENDING", "RUNNING")
    job_folder.hpcrun("cancel")


def test_cancel_ends_the_job_and_its_end_is_kept(job_folder: JobFolder) -> None:
    job_folder.job(["sleep", "300"])
    run = job_folder.submit()
    job_folder.wait_for(lambda status: status["state"] == "RUNNING")
    status = json.loads(job_folder.hpcrun("cancel", "--json"))
    assert status["state"] == "CANCELLED"
    record = json.loads((Path(run["folder"]) / "final.json").read_text())
    assert (record["signal"], record["stage"]) == (15, "application")
    assert (Path(run["folder"]) / "ended.json").exists()
    assert [seen["state"] for seen in job_folder.json("list")["runs"]] == ["CANCELLED"]


def test_cancel_of_a_waiting_job_is_remembered(job_folder: JobFolder) -> None:
    job_folder.job(["true"], LIMITS.replace("}", ', extra: {begin: "now+1hour"}}'))
    job_folder.submit()
    waits = job_folder.wait_for(lambda status: status["raw_reason"] == "BeginTime")
    assert waits["reason"] == "the time at which it may begin has not come"
    assert waits["elapsed_s"] is None
    assert json.loads(job_folder.hpcrun("cancel", "--json"))["state"] == "CANCELLED"


def test_doubled_submission_runs_once(job_folder: JobFolder) -> None:
    job_folder.job(["sh", "-c", "echo ran >>count"])
    run = job_folder.submit("--wait")
    script = f"{run['folder']}/job.sh"
    again = job_folder.sandbox.exec(
        "sh", "-c", 'sbatch --parsable --wait "$0"', script, folder=job_folder.folder
    )
    assert again.returncode == 78, again.stderr
    assert (job_folder.folder / "count").read_text() == "ran\n"
    log = Path(run["folder"]) / "logs" / f"slurm-{again.stdout.strip()}.out"
    assert f"job {again.stdout.strip()} does nothing" in log.read_text()
    assert job_folder.status()["job_id"] == run["job_id"]


def test_job_forgotten_by_slurm_is_known_by_its_record(job_folder: JobFolder) -> None:
    job_folder.job(["sh", "-c", "exit 4"])
    run = job_folder.submit("--wait", expect=4)
    folder = Path(run["folder"])
    other_id = 's/"job_id": *"[0-9]*"/"job_id": "999999"/'
    forget = f"rm ended.json && sed -i '{other_id}' submitted.json start.json final.json"
    done = job_folder.sandbox.exec("sh", "-c", forget, folder=folder)
    assert done.returncode == 0, done.stderr
    status = job_folder.status()
    assert (status["state"], status["exit_code"], status["origin"]) == ("FAILED", 4, "record")


def test_hostile_text_and_paths_arrive_unchanged(job_folder: JobFolder) -> None:
    words = ["$HOME", "`id`", "a'b", '"', "", "--x", "back\\slash", "two\nlines", "%j", "#", "ü"]
    odd = job_folder.folder / 'we%j i,r:d "q" %% $x'
    made = job_folder.sandbox.exec("mkdir", "-p", str(odd / "in,p:ut"))
    assert made.returncode == 0, made.stderr
    folder = JobFolder(job_folder.sandbox, odd, job_folder.image)
    folder.write("in,p:ut/f", "data\n")
    show = 'cat "/mnt/a,b:c/f"; pwd; printf "<%s>" "$@" "$A"'
    mounts = 'mounts: [{host: "in,p:ut", container: "/mnt/a,b:c", mode: ro}]\n'
    value = 'x,y="$HOME"\'`id`\\'
    folder.job(
        ["sh", "-c", show, "sh", *words], f"{LIMITS}{mounts}env: {{A: {json.dumps(value)}}}\n"
    )
    folder.submit("--wait")
    seen = "".join(f"<{word}>" for word in [*words, value])
    assert folder.hpcrun("logs") == f"data\n{odd}\n{seen}"


def test_environment_of_the_submitter_does_not_reach_the_command(job_folder: JobFolder) -> None:
    job_folder.job(["sh", "-c", "env; ls -d /leak 2>&1"])
    leaks = {
        "SBATCH_TIMELIMIT": "1",
        "SBATCH_JOB_NAME": "leak",
        "OMPI_MCA_btl": "leak",
        "LD_PRELOAD_LEAK": "leak",
        "APPTAINER_BIND": "/tmp:/leak",
        "APPTAINERENV_LEAK": "leak",
    }
    given = [f"{name}={value}" for name, value in leaks.items()]
    argv = ("env", *given, "hpcrun", "submit", "job.yaml", "--wait")
    done = job_folder.sandbox.exec(*argv, folder=job_folder.folder)
    output = job_folder.hpcrun("logs")
    assert "SLURM_JOB_NAME=real\n" in output
    assert [line for line in output.splitlines() if "leak" in line.lower()] == [
        "ls: cannot access '/leak': No such file or directory"
    ]
    assert done.returncode == 2, done.stderr


def test_image_gone_before_the_job_starts_stops_it_before_the_command(
    job_folder: JobFolder,
) -> None:
    copied = job_folder.sandbox.exec(
        "cp", str(job_folder.image), "copy.sif", folder=job_folder.folder
    )
    assert copied.returncode == 0, copied.stderr
    folder = JobFolder(job_folder.sandbox, job_folder.folder, Path("copy.sif"))
    folder.job(["true"], LIMITS.replace("}", ', extra: {hold: ""}}'))
    run = folder.submit()
    for argv in (("rm", "copy.sif"), ("scontrol", "release", run["job_id"])):
        done = job_folder.sandbox.exec(*argv, folder=job_folder.folder)
        assert done.returncode == 0, done.stderr
    status = folder.wait_for(lambda status: bool(status["is_final"]))
    assert (status["exit_code"], status["stage"]) == (66, "preflight")
    assert "copy.sif is gone" in folder.hpcrun("logs")


def test_dry_run_submits_and_writes_nothing(job_folder: JobFolder) -> None:
    job_folder.job(["true"])
    shown = job_folder.hpcrun("submit", "job.yaml", "--dry-run")
    assert "nothing was submitted" in shown
    assert not (job_folder.folder / ".hpcrun").exists()


def test_render_prints_the_script_of_the_planned_digest(job_folder: JobFolder) -> None:
    import hashlib

    job_folder.job(["true"])
    script = job_folder.hpcrun("render", "job.yaml")
    plan = json.loads(job_folder.hpcrun("submit", "job.yaml", "--dry-run", "--json"))
    assert hashlib.sha256(script.encode()).hexdigest() == plan["script_sha256"]


def test_logs_follow_shows_the_output_until_the_end(job_folder: JobFolder) -> None:
    job_folder.job(["sh", "-c", "echo one; sleep 2; echo two"])
    job_folder.submit()
    assert job_folder.hpcrun("logs", "--follow") == "one\ntwo\n"


def test_job_that_slurm_refuses_is_refused_in_slurms_words_and_leaves_nothing(
    job_folder: JobFolder,
) -> None:
    job_folder.job(["true"], LIMITS.replace("}", ', extra: {licenses: "nothing:1"}}'))
    done = job_folder.sandbox.hpcrun("submit", "job.yaml", folder=job_folder.folder)
    assert done.returncode == 1
    assert "error[HPR801]: Slurm refused the job" in done.stderr
    assert "Invalid license specification" in done.stderr
    assert job_folder.json("list")["runs"] == []


def test_job_whose_controller_is_out_of_reach_goes_on_when_it_is_back(
    job_folder: JobFolder,
) -> None:
    edit = "s/^SlurmctldHost=.*/SlurmctldHost=n1/; s/^MessageTimeout=.*/MessageTimeout=2/"
    made = job_folder.sandbox.exec(
        "sh", "-c", f'sed "{edit}" /etc/slurm/slurm.conf >lost.conf', folder=job_folder.folder
    )
    assert made.returncode == 0, made.stderr
    job_folder.job(["true"])
    lost = f"SLURM_CONF={job_folder.folder}/lost.conf"
    argv = ("env", lost, "hpcrun", "submit", "job.yaml")
    done = job_folder.sandbox.exec(*argv, folder=job_folder.folder)
    assert done.returncode == 69, done.stderr
    assert "cannot tell whether Slurm took the job: " in done.stderr
    assert "Unable to contact slurm controller" in done.stderr
    run = job_folder.submit("--wait")
    assert [seen["run"] for seen in job_folder.json("list")["runs"]] == [run["run"]]


def test_site_whose_prefix_cannot_reach_it_is_unavailable_and_nothing_is_written(
    job_folder: JobFolder, tmp_path: Path
) -> None:
    text = job_folder.sandbox.profile.read_text().replace(f"- {NAME}\n", "- absent\n")
    profile = tmp_path / "absent.yaml"
    profile.write_text(text)
    job_folder.job(["true"])
    job = str(job_folder.folder / "job.yaml")
    done = run_hpcrun("submit", job, "--site", str(profile))
    assert done.returncode == 69, done.stdout + done.stderr
    assert "cannot reach the site" in done.stderr
    assert not (job_folder.folder / ".hpcrun").exists()
