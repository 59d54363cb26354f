"""The registration example, laid out once per session in the shared folder of the test sandbox."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun

REGISTRATION = CHECKOUT / "examples" / "registration"


@dataclass(frozen=True)
class Registration:
    """A finished registration: hpcrun's answer, what the job printed, where its results are."""

    answer: Mapping[str, Any]
    printed: str
    folder: Path

    @property
    def result(self) -> Any:
        return json.loads((self.folder / "result.json").read_text())


Register = Callable[[int, int], Registration]


@pytest.fixture(scope="session")
def prepared(
    sandbox: Sandbox, images: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the folder that prepare.sh made, beside the folder of the images."""
    folder = images["openmpi"].parents[1] / "registration"
    prepare(folder, sandbox, tmp_path_factory.mktemp("bin"))
    return folder


def prepare(folder: Path, sandbox: Sandbox, programs: Path) -> None:
    """Run prepare.sh, with a folder for the command `hpcrun` that it needs on PATH."""
    command = programs / "hpcrun"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hpcrun "$@"\n')
    command.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(CHECKOUT),
        "SANDBOX": sandbox.name,
    }
    made = subprocess.run(
        ["sh", str(REGISTRATION / "prepare.sh"), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr


@pytest.fixture(scope="session")
def register(sandbox: Sandbox, prepared: Path) -> Register:
    """Return a function that registers on so many nodes and ranks, each layout once."""

    @cache
    def run(n_nodes: int, n_ranks: int) -> Registration:
        name = f"ranks-{n_ranks}"
        shipped = (prepared / "job.yaml").read_text()
        job = shipped.replace("nodes: 2", f"nodes: {n_nodes}")
        job = job.replace("tasks: 4", f"tasks: {n_ranks}")
        job = job.replace("resources:", f"  - --output={name}\nresources:")
        (prepared / f"{name}.yaml").write_text(job)
        options = ("--site", str(sandbox.profile), "--runs", str(prepared / "runs" / name))
        done = run_hpcrun("submit", str(prepared / f"{name}.yaml"), *options, "--wait", "--json")
        shown = run_hpcrun("logs", "--runs", str(prepared / "runs" / name))
        assert done.returncode == 0, done.stderr + shown.stdout
        return Registration(json.loads(done.stdout), shown.stdout, prepared / name)

    return run
