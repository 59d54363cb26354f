"""A site whose Slurm is made of a few shell scripts, for faults only."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from hpcrun.model.plan import PlannedImage
from hpcrun.model.run import SubmitResult
from tests.golden.script.make_case import plan as make_plan
from tests.integration.submit.submit_plan import submit_from

ROOT = Path(__file__).resolve().parents[3]
FAKES = ROOT / "tests" / "fakes" / "slurm"


@dataclass
class FaultySite:
    """A folder with a job and its plan, and the bin folder of a faulty Slurm."""

    folder: Path

    def behave(self, mode: str) -> None:
        (self.bin / "mode").write_text(mode)

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def jobs(self) -> list[str]:
        return sorted(p.name for p in (self.bin / "jobs").iterdir())

    @property
    def runs(self) -> list[Path]:
        return sorted((self.folder / "runs").glob("*"))

    def submit(self) -> SubmitResult:
        """Submit in this process."""
        return submit_from(self.folder)

    def submit_apart(self) -> "subprocess.CompletedProcess[str]":
        """Submit in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "tests.integration.submit.submit_plan", self.folder],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    def put(self, name: str, text: str) -> None:
        """Put a command of one's own before the real one."""
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FaultySite:
    made = FaultySite(tmp_path)
    shutil.copytree(FAKES, made.bin)
    (made.bin / "jobs").mkdir()
    monkeypatch.setenv("PATH", str(made.bin), prepend=os.pathsep)
    image = tmp_path / "image.sif"
    image.write_bytes(b"image")
    (tmp_path / "job.yaml").write_text("version: 1\n")
    planned = PlannedImage(
        path=image,
        kind="sif",
        arch="amd64",
        digest="sif:0",
        size_bytes=5,
        mtime_ns=image.stat().st_mtime_ns,
    )
    plan = make_plan(image=planned, workdir=tmp_path)
    (tmp_path / "plan.json").write_text(plan.model_dump_json())
    made.behave("ok")
    return made
