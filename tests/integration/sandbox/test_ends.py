"""How jobs end: what `hpcrun status` says of each end, with and without accounting.

One sandbox with accounting is both: to a profile without it, hpcrun asks no sacct. Each end is
looked at while Slurm knows the job, and for the first time after Slurm has forgotten it.
By default in the default version; in all of them with `--all-versions`.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hpcrun.errors import HpcrunError
from hpcrun.loading import load_site
from hpcrun.model.run import JobState, RunStatus
from hpcrun.report.runs import format_state
from hpcrun.sandbox.cgroups import check_groups, group_name, read_hierarchies
from hpcrun.sandbox.places import places
from hpcrun.sandbox.versions import (
    SandboxVersion,
    default_version,
    find_version,
    known_versions,
)
from hpcrun.scheduler.slurm import Slurm
from hpcrun.site.folders import profile_folders
from hpcrun.store.command_runner import PrefixRunner
from hpcrun.store.system_clock import SystemClock
from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer]

MEMORY = "killed by the memory limit of the job: asked 300 MiB per node; raise `memory_per_node`"
WALLTIME = "asked 1 min; raise `walltime`"
LOST_NODE = "node {node} died or was cut off from the network; submit it again"
TOLD = "its script was told to stop, by `scancel` or as a node was lost; Slurm has forgotten which"
NOBODY_ASKED = (
    "a node died, or somebody killed it with -9, and nobody asked for its state while Slurm "
    "still knew it"
)
EAT = "x=a; while :; do x=$x$x; done"
# The node on which a job ends in this way, and what it does.
ENDS = {
    "walltime": ("n1", ["sleep", "600"]),
    "memory": ("n2", ["sh", "-c", EAT]),
    "cancelled": ("n2", ["sleep", "600"]),
    "killed-node": ("n3", ["sleep", "600"]),
    "cut-node": ("n4", ["sleep", "600"]),
}
# Whether the profile tells of accounting, and whether it is asked while Slurm knows the job.
KINDS = {
    "known-plain": (False, True),
    "known-accounted": (True, True),
    "forgotten-plain": (False, False),
    "forgotten-accounted": (True, False),
}
KNOWN = {
    "walltime": ("TIMEOUT", WALLTIME),
    "memory": ("OUT_OF_MEMORY", MEMORY),
    "killed-node": ("NODE_FAIL", LOST_NODE.format(node="n3")),
    "cut-node": ("NODE_FAIL", LOST_NODE.format(node="n4")),
}
EXPECTED = {
    "known-plain": KNOWN | {"cancelled": ("CANCELLED", "by somebody; Slurm does not say who")},
    "known-accounted": KNOWN | {"cancelled": ("CANCELLED", "by its owner")},
    "forgotten-accounted": KNOWN | {"cancelled": ("CANCELLED", "by its owner")},
    "forgotten-plain": {
        "walltime": ("TIMEOUT", WALLTIME),
        "memory": ("OUT_OF_MEMORY", MEMORY),
        "cancelled": ("CANCELLED", TOLD),
        "killed-node": ("LOST", NOBODY_ASKED),
        "cut-node": ("LOST", NOBODY_ASKED),
    },
}
# Batch scripts without hpcrun's, and what sacct tells of them: state, exit code, signal.
SCRIPTS = {
    "true": (JobState.COMPLETED, 0, None),
    "exit 3": (JobState.FAILED, 3, None),
    "kill -SEGV $$": (JobState.FAILED, 0, 11),
}
_PATIENCE_S = 240


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "slurm" in metafunc.fixturenames:
        is_all = metafunc.config.getoption("--all-versions")
        rows = known_versions() if is_all else (default_version(),)
        metafunc.parametrize("slurm", [row.slurm for row in rows], scope="module")


@dataclass
class Cluster:
    """A sandbox whose jobs end badly, and the runs in it by kind and end."""

    name: str
    folder: Path
    image: Path
    profiles: Mapping[bool, Path]
    limits_memory: bool
    jobs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    seen: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    seen_again: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)

    def inside(self, *argv: str, stdin: str = "") -> str:
        options = ("sandbox", "exec", "--name", self.name, "--")
        done = run_hpcrun(*options, *argv, stdin=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fault(self, node: str, kind: str) -> None:
        done = run_hpcrun("sandbox", "fault", "--name", self.name, node, kind)
        assert done.returncode == 0, done.stderr

    def submit(self, kind: str, end: str) -> None:
        node, command = ENDS[end]
        walltime = "1 min" if end == "walltime" else "10 min"
        text = (
            f"version: 1\nname: {end}\nimage: {json.dumps(str(self.image))}\n"
            f"command: {json.dumps(command)}\nresources: {{memory_per_node: 300 MiB, "
            f'walltime: {walltime}, extra: {{nodelist: "{node}", hold: ""}}}}\n'
        )
        job = self.folder / f"{kind}-{end}.yaml"
        self.inside(
            "sh", "-c", 'mkdir -p "$1" && cat >"$0"', str(job), str(self.folder), stdin=text
        )
        profile = self.profiles[KINDS[kind][0]]
        runs = str(self.folder / kind)
        argv = ("submit", str(job), "--site", str(profile), "--runs", runs, "--json")
        done = run_hpcrun(*argv)
        assert done.returncode == 0, done.stdout + done.stderr
        self.jobs[kind, end] = json.loads(done.stdout)

    def ids(self, *ends: str) -> list[str]:
        return [job["job_id"] for (_, end), job in self.jobs.items() if end in ends]

    def queue(self) -> dict[str, str]:
        told = self.inside("squeue", "--noheader", "--states=all", "--format=%i %T")
        return dict(line.split() for line in told.splitlines())

    def list_runs(self, kind: str) -> dict[tuple[str, str], dict[str, Any]]:
        """Ask for the states of all runs of a kind at once, and keep those that are final."""
        runs, profile = str(self.folder / kind), str(self.profiles[KINDS[kind][0]])
        done = run_hpcrun("list", "--runs", runs, "--site", profile, "--json")
        assert done.returncode == 0, done.stderr
        keys = {job["run"]: key for key, job in self.jobs.items()}
        return {
            keys[status["run"]]: status
            for status in json.loads(done.stdout)["runs"]
            if status["is_final"] and status["origin"] != "squeue"
        }

    def wait_until_running(self, *ends: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while {self.queue().get(job) for job in self.ids(*ends)} != {"RUNNING"}:
            assert time.monotonic() < deadline, self.queue()
            time.sleep(0.5)

    def wait_until_ended(self) -> None:
        """Look again and again, as Slurm forgets, until all jobs are known to have ended."""
        deadline = time.monotonic() + _PATIENCE_S
        asked = {key for key in self.jobs if KINDS[key[0]][1]}
        while asked - set(self.seen):
            for kind in ("known-plain", "known-accounted"):
                self.seen = self.list_runs(kind) | self.seen
            assert time.monotonic() < deadline, (self.queue(), self.seen)
            time.sleep(0.5)

    def wait_until_forgotten(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while {*self.ids(*ENDS), *self.scripts.values()} & set(self.queue()):
            assert time.monotonic() < deadline, self.queue()
            time.sleep(1)


@pytest.fixture(scope="module")
def image(sandbox: Sandbox) -> Path:
    """Return the one image that is needed, where all sandboxes with that shared folder see it."""
    recipe = CHECKOUT / "examples" / "images" / "build.py"
    argv = [sys.executable, str(recipe), "--sandbox", sandbox.name, "nompi"]
    made = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return Path(made.stdout.strip())


def knows_groups(version: SandboxVersion) -> bool:
    """Whether this Slurm can have control groups here."""
    found = read_hierarchies()
    try:
        check_groups(found, is_root=os.geteuid() == 0)
    except HpcrunError:
        return False
    return found.version == 1 or bool(version.cgroup_v2_conf)


@pytest.fixture(scope="module")
def cluster(
    sandbox: Sandbox,
    image: Path,
    slurm: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    name = f"ends-{slurm.replace('.', '')}"
    limits_memory = knows_groups(find_version(slurm))
    options = ["--accounting", "--short-timeouts", "--emulation", "none", "--nodes", "4"]
    if limits_memory:
        options.append("--cgroup")
    share = ("--share", str(sandbox.share))
    up = run_hpcrun("sandbox", "up", "--name", name, "--slurm", slurm, *share, *options)
    assert up.returncode == 0, up.stderr
    accounted = places(name).profile
    plain = tmp_path_factory.mktemp("profile") / accounted.name
    plain.write_text(accounted.read_text().replace("  accounting: true\n", ""))
    assert plain.read_text() != accounted.read_text()
    folder = sandbox.share / name
    profiles = {True: accounted, False: plain}
    yield Cluster(name, folder, image, profiles, limits_memory)
    sandbox.exec("rm", "-rf", str(folder))
    assert run_hpcrun("sandbox", "purge", "--name", name).returncode == 0
    assert not list(Path("/sys/fs/cgroup").rglob(f"{group_name(places(name).folder)}*"))


@pytest.fixture(scope="module")
def ended(cluster: Cluster) -> Cluster:
    """Let jobs end in all ways; look at half of them while Slurm knows, at all when it does not."""
    ends = [end for end in ENDS if end != "memory" or cluster.limits_memory]
    for end in ends:
        for kind in KINDS:
            cluster.submit(kind, end)
    for script in SCRIPTS:
        argv = ("sbatch", "--parsable", "--mem=100", "--output=/dev/null", "--wrap", script)
        cluster.scripts[script] = cluster.inside(*argv).strip()
    cluster.inside("scontrol", "release", ",".join(cluster.ids(*ends)))
    cluster.wait_until_running("cancelled", "killed-node", "cut-node")
    cluster.inside("scancel", *cluster.ids("cancelled"))
    cluster.fault("n3", "kill")
    cluster.fault("n4", "cut")
    cluster.wait_until_ended()
    cluster.wait_until_forgotten()
    for kind in KINDS:
        cluster.seen = cluster.list_runs(kind) | cluster.seen
    for kind in KINDS:
        cluster.seen_again |= cluster.list_runs(kind)
    return cluster


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end", ENDS)
def test_end_has_its_own_state_and_a_reason_that_names_the_cause(
    ended: Cluster, kind: str, end: str
) -> None:
    if end == "memory" and not ended.limits_memory:
        pytest.skip("control groups that limit memory cannot be had here")
    status = ended.seen[kind, end]
    assert (status["state"], status["reason"]) == EXPECTED[kind][end], status
    known, forgotten = ("scontrol", "sacct" if "accounted" in kind else "record")
    expected = known if KINDS[kind][1] else forgotten
    assert status["origin"] == ("none" if status["state"] == "LOST" else expected)

    if status["origin"] == "sacct":
        took = datetime.fromisoformat(status["ended_at"]) - datetime.fromisoformat(
            status["started_at"]
        )
        assert status["elapsed_s"] == int(took.total_seconds()) > 0
        assert status["nodes"] == ENDS[end][0]

    # What was said once stays so, and a person reads the same.
    assert ended.seen_again[kind, end] == status
    shown = format_state(RunStatus.model_validate(status))
    assert shown.startswith(f"{status['state']}, the job ")
    assert status["reason"] in shown


@pytest.mark.parametrize("kind", KINDS)
def test_job_ended_by_its_time_limit_was_told_and_left_a_record(ended: Cluster, kind: str) -> None:
    status = ended.seen[kind, "walltime"]
    record = json.loads(Path(status["folder"], "final.json").read_text())
    assert (status["stage"], record["exit_code"], record["signal"]) == ("application", 143, 15)
    # Slurm 22.05 and older do not tell a job when it would end; its script begins a moment later.
    assert record["ended_at"] >= (record["ends_at"] or record["started_at"] + 55)


def test_sacct_tells_code_and_signal_of_jobs_that_slurm_has_forgotten(
    ended: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    prefix = load_site(ended.profiles[True], search=profile_folders({})).access.prefix
    assert prefix is not None
    slurm = Slurm(PrefixRunner(prefix), SystemClock(), has_accounting=True)
    reports = slurm.read_reports([*ended.scripts.values(), "999999"])
    found = {
        script: (reports[job].state, reports[job].exit_code, reports[job].signal)
        for script, job in ended.scripts.items()
    }
    assert found == SCRIPTS
    assert {report.origin for report in reports.values()} == {"sacct"}


def test_node_that_is_back_changes_nothing_of_what_was_said(ended: Cluster) -> None:
    """Slurm kills what is left of the job there with -9, so no record comes late."""
    done = run_hpcrun("sandbox", "fault", "--name", ended.name, "n4", "heal")
    assert done.returncode == 0, done.stderr
    site = ("--site", str(ended.profiles[False]))
    for kind in ("known-plain", "forgotten-plain"):
        before = ended.seen[kind, "cut-node"]
        folder = before["folder"]
        assert json.loads(run_hpcrun("status", folder, *site, "--json").stdout) == before
        shown = run_hpcrun("status", folder, *site).stdout.splitlines()[0]
        assert shown.startswith(f"{before['run']}: {before['state']}, the job ")
        assert before["reason"] in shown
