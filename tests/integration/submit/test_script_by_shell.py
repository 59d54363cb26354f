"""The rendered script, really run by each shell, with a srun that only notes what it is given."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hpcrun.model.plan import Layout, Plan, PlannedImage, PlannedVariable
from hpcrun.render import RunPlace, render_script
from tests.golden.script.make_case import HOSTILE
from tests.golden.script.make_case import plan as make_plan

SRUN = """#!/bin/sh
here=$(dirname "$0")
for word in "$@"; do printf '%s\\0' "$word"; done >"$here/words"
env -0 >"$here/environment"
. "$here/behaviour"
"""


@dataclass
class Node:
    """A folder that plays a compute node."""

    folder: Path
    shell: str

    @property
    def run_folder(self) -> Path:
        return self.folder / "runs" / "hello-abc"

    @property
    def image(self) -> Path:
        return self.folder / "image.sif"

    def behave(self, text: str) -> None:
        (self.folder / "bin" / "behaviour").write_text(text + "\n")

    def plan(self, **changes: Any) -> Plan:
        seen = self.image.stat()
        image = PlannedImage(
            path=self.image,
            kind="sif",
            arch="amd64",
            digest="sif:0",
            size_bytes=seen.st_size,
            mtime_ns=seen.st_mtime_ns,
        )
        values = {"job": "hello", "image": image, "workdir": self.folder, **changes}
        return make_plan(**values)

    def start(self, plan: Plan, *, job_id: str = "7") -> "subprocess.Popen[bytes]":
        place = RunPlace(folder=self.run_folder, name="hello-abc", token="abc")
        path = f"{self.folder / 'bin'}:/usr/bin:/bin"
        # A file, not a pipe: whatever outlives the script may hold it open.
        with (self.folder / "stderr").open("wb") as stderr:
            return subprocess.Popen(
                [self.shell, "-c", render_script(plan, place=place)],
                env={"PATH": path, "SLURM_JOB_ID": job_id, "SLURM_JOB_NODELIST": "n[1-2]"},
                stdout=stderr,
                stderr=stderr,
            )

    def run(self, plan: Plan, *, job_id: str = "7") -> tuple[int, str]:
        code = self.start(plan, job_id=job_id).wait(timeout=20)
        return code, (self.folder / "stderr").read_text()

    @property
    def words(self) -> list[str]:
        return (self.folder / "bin" / "words").read_text().split("\0")[:-1]

    @property
    def environment(self) -> dict[str, str]:
        text = (self.folder / "bin" / "environment").read_text()
        return dict(entry.partition("=")[::2] for entry in text.split("\0")[:-1])

    @property
    def started(self) -> bool:
        return (self.folder / "bin" / "environment").exists()

    def record(self, name: str) -> Any:
        return json.loads((self.run_folder / name).read_text())


@pytest.fixture(params=["dash", "bash"])
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Node:
    made = Node(tmp_path, request.param)
    (tmp_path / "bin").mkdir()
    for name, text in {"srun": SRUN, "apptainer": "#!/bin/sh\n"}.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    made.behave("exit 0")
    made.run_folder.mkdir(parents=True)
    (made.run_folder / "run.json").write_text("{}")
    made.image.write_bytes(b"image")
    return made


def test_script_runs_the_command_and_records_its_end(node: Node) -> None:
    assert node.run(node.plan()) == (0, "")
    start, final = node.record("start.json"), node.record("final.json")
    assert (start["job_id"], start["nodes"]) == ("7", "n[1-2]")
    assert (final["exit_code"], final["signal"], final["stage"]) == (0, None, "application")
    assert node.words[:2] == ["--mpi=pmix", "--nodes=2"]
    assert node.words[-4:] == ["python3", "/opt/register.py", "--fixed", "t1.nii.gz"]


@pytest.mark.parametrize("code", [1, 3, 139, 255])
def test_script_ends_with_the_code_of_srun(node: Node, code: int) -> None:
    node.behave(f"exit {code}")
    assert node.run(node.plan())[0] == code
    assert node.record("final.json")["exit_code"] == code


FIRST_FAILURES = {
    "srun: error: n2: task 1: Exited with exit code 3": 3,
    "srun: error: n[1-2]: tasks 0-1: Exited with exit code 127": 127,
    "srun: error: n2: task 1: Segmentation fault (core dumped)": 139,
    "srun: error: n2: task 1: Killed": 137,
    "srun: error: n2: task 1: Exited with exit code 0": 143,
    "srun: error: n2: task 1: Something new": 143,
    "rank 1 says: srun: error: n2: task 1: Killed": 143,
}


@pytest.mark.parametrize(("line", "code"), FIRST_FAILURES.items())
def test_script_ends_with_the_code_of_the_task_that_failed_first(
    node: Node, line: str, code: int
) -> None:
    """Of the tasks that srun then ends, its own code is that of the last."""
    output = node.run_folder / "logs" / "slurm-7.out"
    output.parent.mkdir()
    output.write_text("srun: error: n1: task 9: Exited with exit code 99\n")  # of a requeued job
    last = "srun: error: n1: task 0: Terminated"
    node.behave(f"printf '%s\\n' '{line}' '{last}' >>'{output}'; exit 143")
    assert node.run(node.plan())[0] == code
    assert node.record("final.json")["exit_code"] == code


@pytest.mark.parametrize(
    "lines",
    [
        # Slurm 20.11 to 26.05 say so; a task that lost its peer may come first.
        ("srun: error: n1: task 0: Out Of Memory",),
        (
            "srun: error: n2: task 1: Exited with exit code 15",
            "srun: error: n1: task 0: Out Of Memory",
        ),
    ],
)
def test_script_whose_task_ran_out_of_memory_says_so_though_srun_ends_with_1(
    node: Node, lines: tuple[str, ...]
) -> None:
    output = node.run_folder / "logs" / "slurm-7.out"
    output.parent.mkdir()
    says = "\n".join(f"echo '{line}' >>'{output}'" for line in lines)
    node.behave(f"{says}\nexit 1")
    assert node.run(node.plan())[0] == 137
    final = node.record("final.json")
    assert (final["exit_code"], final["cause"]) == (137, "out-of-memory")


def test_script_hostile_words_and_values_arrive_unchanged(node: Node) -> None:
    words = (HOSTILE, "two\nlines", "", "-n", "$(id)", "*", "~", "\\", "'", '"')
    values = {f"V{i}": PlannedVariable(value=word, why="test") for i, word in enumerate(words)}
    layout = Layout(nodes=1, tasks=1, cpus_per_task=1)
    code, _ = node.run(node.plan(argv=words, environment=values, layout=layout))
    assert code == 0
    assert tuple(node.words[-len(words) :]) == words
    seen = tuple(node.environment[f"APPTAINERENV_V{i}"] for i in range(len(words)))
    assert seen == words


def test_script_of_a_doubled_submission_does_nothing(node: Node) -> None:
    assert node.run(node.plan(), job_id="7")[0] == 0
    before = node.record("final.json")
    (node.folder / "bin" / "environment").unlink()
    code, stderr = node.run(node.plan(), job_id="8")
    assert (code, node.started) == (78, False)
    assert "another Slurm job carries out this run already; job 8 does nothing" in stderr
    assert node.record("final.json") == before


def test_script_of_a_requeued_job_runs_again_and_says_so(node: Node) -> None:
    node.run(node.plan(), job_id="7")
    code, stderr = node.run(node.plan(), job_id="7")
    assert code == 0
    assert "Slurm requeued job 7" in stderr


def test_script_whose_claim_has_no_owner_does_nothing(node: Node) -> None:
    (node.run_folder / "claim").mkdir()
    assert (node.run(node.plan())[0], node.started) == (78, False)


def test_script_that_does_not_see_its_run_says_so(node: Node) -> None:
    # Slurm makes the folder of the output itself, also where it is not the shared one.
    (node.run_folder / "run.json").unlink()
    code, stderr = node.run(node.plan())
    assert (code, node.started) == (73, False)
    assert "cannot see or write to the run's folder" in stderr


def test_script_outside_of_slurm_does_nothing(node: Node) -> None:
    code, stderr = node.run(node.plan(), job_id="")
    assert (code != 0, node.started) == (True, False)
    assert "must be started by sbatch" in stderr
    assert [p.name for p in node.run_folder.iterdir()] == ["run.json"]


STOPPED: dict[str, tuple[Callable[[Node], object], int, str]] = {
    "image-gone": (lambda n: n.image.unlink(), 66, "is gone"),
    "image-grown": (lambda n: n.image.write_bytes(b"another"), 66, "not the one"),
    "image-touched": (lambda n: os.utime(n.image, (0, 0)), 66, "not the one"),
    "no-runtime": (lambda n: (n.folder / "bin" / "apptainer").unlink(), 69, "no apptainer"),
}


@pytest.mark.parametrize("case", STOPPED)
def test_script_check_that_fails_stops_before_the_command(node: Node, case: str) -> None:
    break_it, expected, message = STOPPED[case]
    plan = node.plan()
    break_it(node)
    code, stderr = node.run(plan)
    assert (code, node.started) == (expected, False)
    assert "hpcrun: " in stderr
    assert message in stderr
    assert node.record("final.json")["stage"] == "preflight"


def test_script_without_its_working_folder_stops(node: Node) -> None:
    code, stderr = node.run(node.plan(workdir=node.folder / "gone"))
    assert (code, node.started) == (66, False)
    assert "the working folder" in stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_script_signalled_records_it_and_ends_with_its_step(
    node: Node, number: signal.Signals
) -> None:
    trapping = node.folder / "trapping"
    node.behave(f"trap 'exit 130' TERM\n: >'{trapping}'\nsleep 5 &\nwait")
    process = node.start(node.plan())
    wait_until(trapping.exists)
    process.send_signal(number)
    process.wait(timeout=10)
    final = node.record("final.json")
    assert (process.returncode, final["exit_code"], final["signal"]) == (130, 130, number)


def test_script_killed_after_it_was_asked_to_stop_has_left_its_record(node: Node) -> None:
    trapping = node.folder / "trapping"
    node.behave(f"trap '' TERM\n: >'{trapping}'\nsleep 3")
    process = node.start(node.plan())
    wait_until(trapping.exists)
    process.terminate()
    wait_until((node.run_folder / "final.json").exists)
    process.kill()
    process.wait(timeout=10)
    assert (node.record("final.json")["exit_code"], node.record("final.json")["signal"]) == (
        143,
        15,
    )


def test_script_leaves_no_half_records(node: Node) -> None:
    node.run(node.plan())
    names = {p.name for p in node.run_folder.iterdir()}
    assert names == {"claim", "final.json", "run.json", "start.json"}


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
