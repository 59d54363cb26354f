"""The wait as people see it: on a terminal, in a file, and when they press Ctrl-C."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.submit.conftest import ROOT, FaultySite


def start(site: FaultySite, stderr: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.integration.submit.submit_plan", site.folder, "--wait"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
        stdout=subprocess.DEVNULL,
        stderr=stderr,
    )


@pytest.fixture
def stderr_file(site: FaultySite) -> Iterator[tuple[int, Path]]:
    path = site.folder / "stderr"
    with path.open("wb") as file:
        yield file.fileno(), path


def wait_for_text(path: Path, text: str) -> str:
    deadline = time.monotonic() + 20
    while text not in path.read_text():
        assert time.monotonic() < deadline, path.read_text()
        time.sleep(0.05)
    return path.read_text()


def test_wait_ctrl_c_ends_the_wait_and_says_how_to_go_on(
    site: FaultySite, stderr_file: tuple[int, Path]
) -> None:
    number, path = stderr_file
    process = start(site, number)
    wait_for_text(path, "PENDING")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 130
    (run,) = site.runs
    assert path.read_text().splitlines() == [
        "job 1: PENDING, the job waits for its turn: other jobs come first",
        f"the job goes on; follow it: hpcrun status {run}",
        f"or end it: hpcrun cancel {run}",
    ]


def test_wait_into_a_file_writes_a_line_per_state_and_ends_with_the_code(
    site: FaultySite, stderr_file: tuple[int, Path]
) -> None:
    number, path = stderr_file
    process = start(site, number)
    wait_for_text(path, "PENDING")
    (site.bin / "exit-code").write_text("5:0")
    (site.bin / "state").write_text("FAILED")
    assert process.wait(timeout=10) == 5
    assert path.read_text().splitlines() == [
        "job 1: PENDING, the job waits for its turn: other jobs come first",
        "job 1: FAILED, the job failed: exit code 5",
    ]


def test_wait_outlives_a_queue_that_is_down_and_says_so(
    site: FaultySite, stderr_file: tuple[int, Path]
) -> None:
    number, path = stderr_file
    process = start(site, number)
    wait_for_text(path, "PENDING")
    (site.bin / "squeue-is-down").touch()
    wait_for_text(path, "asking again")
    (site.bin / "exit-code").write_text("0:0")
    (site.bin / "state").write_text("COMPLETED")
    (site.bin / "squeue-is-down").unlink()
    assert process.wait(timeout=15) == 0
    assert path.read_text().splitlines()[-1] == "job 1: COMPLETED, the job ended well"


def test_wait_on_a_terminal_rewrites_one_line(site: FaultySite) -> None:
    (site.bin / "exit-code").write_text("0:0")
    (site.bin / "state").write_text("COMPLETED")
    terminal, theirs = pty.openpty()
    process = start(site, theirs)
    os.close(theirs)
    assert process.wait(timeout=15) == 0
    shown = os.read(terminal, 4096).decode()
    os.close(terminal)
    assert shown == "\r\x1b[K[0 s] job 1: COMPLETED, the job ended well\r\n"
