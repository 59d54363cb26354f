"""Files that travel, and what happens to them when something breaks on the way."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import jsonschema
import pytest

from hpcrun.resources import package_folder
from tests.integration.ssh.conftest import JobFolder
from tests.sandbox_fixture import CHECKOUT, Sandbox

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer]

LOSE_CONNECTION = """#!/bin/sh
/usr/bin/sbatch "$@"
rm -f /usr/local/bin/sbatch
pkill -KILL 'sshd-session' || pkill -KILL -P "$(pgrep -o sshd)"
sleep 5
"""


@pytest.fixture
def small_disk(sandbox: Sandbox) -> Iterator[str]:
    """A folder of the login node with room for a megabyte."""
    place = f"/home/{sandbox.user}/small"
    script = f"mkdir -p {place} && mount -t tmpfs -o size=1m,mode=777 small {place}"
    done = sandbox.exec("sh", "-c", script, user="root")
    assert done.returncode == 0, done.stderr
    yield place
    sandbox.exec("sh", "-c", f"umount {place}; rmdir {place}", user="root")


def own_profile(sandbox: Sandbox, place: Path, **changes: str) -> Path:
    """A profile of the same site, with `access` written another way."""
    config = {"host": f"hpcrun-{sandbox.name}", "config": str(sandbox.ssh_config), **changes}
    file = place / "far.yaml"
    access = json.dumps({"ssh": config})
    file.write_text(
        f"version: 1\nname: far\nextends: {sandbox.ssh_profile.stem}\naccess: {access}\n"
    )
    file.chmod(0o600)
    return file


def test_connection_lost_while_sbatch_answers_submits_once(
    sandbox: Sandbox, away: JobFolder
) -> None:
    away.job(["true"])
    write = 'cat >"$0" && chmod 777 /usr/local/bin "$0"'
    done = sandbox.exec(
        "sh", "-c", write, "/usr/local/bin/sbatch", stdin=LOSE_CONNECTION, user="root"
    )
    assert done.returncode == 0, done.stderr
    try:
        submitted = away.json("submit", "--wait")
    finally:
        sandbox.exec(
            "sh", "-c", "rm -f /usr/local/bin/sbatch; chmod 755 /usr/local/bin", user="root"
        )
    token = submitted["run"].rpartition("-")[2]
    jobs = sandbox.exec("squeue", "--states=all", "--noheader", "--format=%i %k").stdout
    found = [line.split()[0] for line in jobs.splitlines() if line.endswith(f"hpcrun:{token}")]
    assert found == [submitted["job_id"]]
    assert submitted["status"]["state"] == "COMPLETED"


def test_killed_while_sending_goes_on_with_the_same_run(sandbox: Sandbox, away: JobFolder) -> None:
    sandbox.exec("rm", "-rf", f"/home/{sandbox.user}/.cache/hpcrun")
    away.job(["cat", "job.yaml"])
    images = sandbox.profile.parent.parent / "home" / ".cache" / "hpcrun" / "images"
    argv = [sys.executable, "-m", "hpcrun", "submit", "job.yaml", *away.site]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    process = subprocess.Popen(argv, cwd=away.folder, env=environment)
    while process.poll() is None and not list(images.glob(".new-*")):
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(away.runs()) == 1
    submitted = away.json("submit", "--wait")
    assert [run.name for run in away.runs()] == [submitted["run"]]
    assert (away.folder / "job.yaml").read_text() in away.hpcrun("logs")
    assert [file.suffix for file in images.iterdir()] == [".sif"]


def test_disk_full_at_the_site_is_told_and_leaves_nothing(
    sandbox: Sandbox, away: JobFolder, small_disk: str
) -> None:
    away.site = ("--site", str(own_profile(sandbox, away.folder, folder=small_disk)))
    away.job(["true"], "stage_in: []\n")
    away.submit(expect=73, stderr="No space left on device")
    left = sandbox.exec("find", small_disk, "-type", "f").stdout
    assert left == ""
    assert away.json("list", *away.site)["runs"][0]["state"] == "NOT_SUBMITTED"


def test_what_changed_here_meanwhile_is_kept(away: JobFolder) -> None:
    away.write("in.txt", "sent\n")
    away.write("other.txt", "sent\n")
    away.job(["sh", "-c", "sleep 2; echo there >>in.txt; echo there >>other.txt; echo new >new"])
    away.submit()
    away.write("in.txt", "changed here\n")
    while not away.json("status")["is_final"]:
        time.sleep(0.3)
    fetched = away.json("fetch")
    assert (fetched["files"], fetched["kept_apart"]) == (["new", "other.txt"], ["in.txt"])
    assert (away.folder / "in.txt").read_text() == "changed here\n"
    assert (away.folder / "other.txt").read_text() == "sent\nthere\n"
    (run,) = away.runs()
    assert (run / "apart" / "in.txt").read_text() == "sent\nthere\n"
    assert away.json("fetch")["kept_apart"] == ["in.txt"]


def test_patterns_choose_what_travels(away: JobFolder) -> None:
    for name in ("data/a.nii", "data/b.txt", "secret"):
        away.write(name, name)
    rest = "stage_in: ['data/*.nii']\nstage_out: [out]\n"
    away.job(["sh", "-c", "find . -type f | sort; mkdir out; touch out/a b"], rest)
    away.submit("--wait")
    assert away.hpcrun("logs") == "./data/a.nii\n"
    assert (away.folder / "out" / "a").is_file()
    assert not (away.folder / "b").exists()


def test_what_slurm_refuses_leaves_nothing_on_either_side(
    sandbox: Sandbox, away: JobFolder
) -> None:
    away.job(["true"])
    text = (away.folder / "job.yaml").read_text()
    away.write("job.yaml", text.replace("5 min}", "5 min, extra: {licenses: 'nosuch:1'}}"))
    away.submit(expect=1, stderr="error[HPR801]")
    assert away.runs() == []
    left = sandbox.exec("ls", "-A", f"/home/{sandbox.user}/.hpcrun/runs").stdout
    assert left == ""


def test_status_tells_what_is_still_at_the_site(away: JobFolder) -> None:
    away.job(["true"])
    away.submit()
    while not away.json("status")["is_final"]:
        time.sleep(0.3)
    away.hpcrun("status", stderr="still at the site: hpcrun fetch trip-")
    away.hpcrun("fetch")
    done = away.hpcrun("status")
    assert "COMPLETED" in done


def test_refused_before_anything_is_sent(away: JobFolder) -> None:
    away.job(["true"], "stage_in: [missing.py]\n")
    away.submit(expect=1, stderr="`stage_in` names `missing.py`")
    assert away.runs() == []


@pytest.mark.parametrize("way", ["prefix", "ssh"])
def test_mount_source_that_is_not_there_is_refused_before_submission(
    sandbox: Sandbox, shared_folder: Path, images: Mapping[str, Path], way: str
) -> None:
    job = JobFolder(sandbox, shared_folder, images["nompi"], way)
    job.job(["true"], f"mounts: [{{host: {sandbox.share}/no-such, container: /data}}]\n")
    job.submit(expect=1, stderr="error[HPR502]: there is no `")
    assert job.runs() == []
    known = sandbox.exec("squeue", "--states=all", "--noheader", "--format=%Z").stdout
    assert str(shared_folder) not in known.splitlines()


def test_site_out_of_reach_is_an_error_of_its_own_as_json(
    sandbox: Sandbox, away: JobFolder
) -> None:
    config = away.folder / "config"
    config.write_text(f"Host hpcrun-{sandbox.name}\n    ProxyCommand false\n")
    config.chmod(0o600)
    profile = own_profile(sandbox, away.folder, config=str(config))
    away.job(["true"])
    text = away.hpcrun("submit", "job.yaml", "--site", str(profile), "--json", expect=69)
    error = json.loads(text)
    schema = json.loads((package_folder("schemas") / "error.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(error)
    assert "cannot reach the site by ssh" in text
