"""The command as a process of its own: quick to start, quiet where nobody listens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("archspec", "pydantic", "ruamel", "jinja2", "rich", "elftools", "platformdirs")


def run(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=60,
    )


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["help"], ["help", "none"]])
def test_first_contact_imports_nothing_heavy(arguments: list[str]) -> None:
    done = run("-X", "importtime", "-m", "hpcrun", *arguments)
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert imported & set(HEAVY) == set()
    assert "click" in imported


def test_module_is_the_command() -> None:
    done = run("-m", "hpcrun", "--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "hpcrun")


def test_reader_that_goes_away_gets_no_complaint() -> None:
    script = f"'{sys.executable}' -m hpcrun help architecture 2>err | true; cat err; rm err"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=os.environ["HOME"],
        timeout=60,
    )
    assert done.stdout == ""


def test_result_that_cannot_be_written_is_told() -> None:
    command = f"'{sys.executable}' -m hpcrun help architecture > /dev/full"
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        73,
        "error: cannot write: No space left on device",
    )
