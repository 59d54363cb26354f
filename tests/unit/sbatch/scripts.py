"""Scripts for tests, written to a folder and read."""

from collections.abc import Mapping
from pathlib import Path

from hpcrun.model.diagnostic import Diagnostic
from hpcrun.sbatch import ScriptJob, read_job

STEP = "srun --mpi=pmix apptainer exec app.sif /usr/bin/app"


def write(folder: Path, text: str) -> Path:
    """Write a script; a first line is put in front where it has none."""
    path = folder / "job.sh"
    path.write_text(text if text.startswith("#!") else f"#!/bin/bash\n{text}", encoding="utf-8")
    return path


def read(folder: Path, text: str, environment: Mapping[str, str] | None = None) -> ScriptJob:
    """Read a script."""
    return read_job(write(folder, text), environment)


def told(found: tuple[Diagnostic, ...], code: str) -> list[tuple[str, int | None]]:
    """Return messages of one rule, each with its line."""
    return [(d.message, d.location.line if d.location else None) for d in found if d.code == code]
