"""The same job by local command, by prefix and by ssh: same result, same records."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ssh.conftest import JobFolder
from tests.sandbox_fixture import Sandbox

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer]

SCRIPT = """
cat "in put.txt"
printf '<%s>' "$@" "$GREETING"
mkdir -p out
printf '%s' "$1" >"out/it's a result.txt"
echo more >>"in put.txt"
exit 3
"""
COMMAND = ["sh", "-c", SCRIPT, "sh", "a b", 'it\'s "$HOME"', "*", "", "\\n"]
RECORDS = ("submitted.json", "start.json", "final.json", "ended.json", "plan.json", "job.sh")


@pytest.fixture
def make(
    sandbox: Sandbox, shared_folder: Path, images: Mapping[str, Path], away: JobFolder
) -> Callable[[str], JobFolder]:
    def make_folder(way: str) -> JobFolder:
        if way == "away":
            return away
        folder = shared_folder / way
        sandbox.exec("mkdir", "-p", str(folder))
        return JobFolder(sandbox, folder, images["nompi"], way)

    return make_folder


def normalised(text: str, folder: JobFolder, run: str) -> str:
    """Leave out what must differ: where things lie, names of runs, numbers of jobs, times."""
    home = f"/home/{folder.sandbox.user}"
    for place, word in (
        (f"{home}/.hpcrun/runs/{run}/work", "WORKDIR"),
        (f"{home}/.hpcrun/runs/{run}", "RUN"),
        (f"{folder.folder}/.hpcrun/runs/{run}", "RUN"),
        (str(folder.image), "IMAGE"),
        (str(folder.folder), "WORKDIR"),
        (run, "NAME"),
        (run.rpartition("-")[2], "TOKEN"),
        (f"{folder.sandbox.name}-ssh", "SITE"),
    ):
        text = text.replace(place, word)
    text = re.sub(rf"{home}/\.cache/hpcrun/images/[0-9a-f]{{64}}\.sif", "IMAGE", text)
    text = re.sub(r'"(work|host|container)": "work"', r'"\1": "WORKDIR"', text)
    text = text.replace('"workdir": "work"', '"workdir": "WORKDIR"')
    text = re.sub(r'"site": "[a-z0-9-]+"', '"site": "SITE"', text)
    text = re.sub(rf"at site (SITE|{folder.sandbox.name}),", "at site SITE,", text)
    text = re.sub(rf"profile `(SITE|{folder.sandbox.name})`", "profile `SITE`", text)
    text = re.sub(r'("job_id": ")\d+"', r'\1ID"', text)
    text = re.sub(r"slurm-\d+\.out", "slurm-ID.out", text)
    text = re.sub(r"StepId=\d+\.0", "StepId=ID.0", text)
    text = re.sub(r'("[a-z_]*(_at|_ns|elapsed_s|sha256)": )("[^"]*"|[\d.]+)', r'\1"TIME"', text)
    text = re.sub(r'("nodes": )"n\d"', r'\1"NODE"', text)
    text = re.sub(r"^srun: error: n\d:", "srun: error: NODE:", text, flags=re.MULTILINE)
    return re.sub(r"= '(\d+) \d+' \]", r"= '\1 TIME' ]", text)


def with_sorted_mounts(name: str, text: str) -> str:
    """Outer mounts come first, so their order depends on how deep a folder lies."""
    if name == "plan.json":
        plan = json.loads(text)
        plan["mounts"].sort(key=lambda mount: str(mount["host"]))
        return json.dumps(plan, indent=1)
    return "\n".join(sorted(text.splitlines())) if name == "job.sh" else text


def outcome(folder: JobFolder) -> dict[str, Any]:
    """Run the job and return everything that somebody could see of it."""
    folder.write("in put.txt", "hello\n")
    folder.job(COMMAND, "env: {GREETING: 'it''s \"me\" $HOME'}\n")
    submitted = folder.json("submit", "--wait", expect=3)
    run = Path(submitted["folder"])
    seen = {name: (run / name).read_text() for name in RECORDS}
    seen["status"] = json.dumps(folder.json("status"))
    seen["listed"] = json.dumps(folder.json("list"))
    seen["logs"] = folder.hpcrun("logs")
    texts = {name: normalised(text, folder, run.name) for name, text in seen.items()}
    return {name: with_sorted_mounts(name, text) for name, text in texts.items()} | {
        "in put.txt": (folder.folder / "in put.txt").read_text(),
        "result": (folder.folder / "out" / "it's a result.txt").read_text(),
        "files": sorted(path.name for path in run.iterdir() if path.name not in EXTRA),
    }


EXTRA = {"claim", "sent.json", "fetched.json"}
"""What only one of the two folders of a run has."""


def test_same_job_by_every_way_has_the_same_result_and_records(
    make: Callable[[str], JobFolder],
) -> None:
    local = outcome(make("local"))
    assert local["logs"].startswith('hello\n<a b><it\'s "$HOME"><*><><\\n><it\'s "me" $HOME>')
    assert (local["in put.txt"], local["result"]) == ("hello\nmore\n", "a b")
    for way in ("prefix", "ssh", "away"):
        assert outcome(make(way)) == local, way


def test_follow_and_cancel_of_a_job_that_is_away(away: JobFolder) -> None:
    away.job(["sh", "-c", "echo started; touch begun; sleep 300"])
    away.submit()
    status = away.json("status")
    while status["state"] not in ("RUNNING",):
        status = away.json("status")
        assert not status["is_final"], status
    assert away.json("cancel")["state"] == "CANCELLED"
    assert away.hpcrun("logs", "--follow").startswith("started\n")
    fetched = away.json("fetch")
    assert (fetched["files"], fetched["kept_apart"]) == (["begun"], [])
    assert (away.folder / "begun").is_file()
    assert [run["state"] for run in away.json("list")["runs"]] == ["CANCELLED"]
