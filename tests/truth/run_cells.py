"""Runs cells in a real sandbox, as batch jobs of its Slurm, and reads what became of them.

Results are lines of JSON in results/, each with the commit of its prediction and the date.
"""

import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hpcrun.sandbox import down, up
from hpcrun.sandbox.wanted import Wanted
from tests.sandbox_fixture import run_hpcrun
from tests.truth.cells import Cell
from tests.truth.launch import Place, read_output, script
from tests.truth.lists import CLUSTER, share
from tests.truth.outcome import read_outcome

PATIENCE_S = 150
"""Without any cell ending; each has a limit of its own."""
_POLL_S = 1.0
_SUBMIT = 'cd "$0" && for job in *.sh; do sbatch --quiet "$job" || exit; done'
_CANCEL = "scancel --user=$(id -u)"


def sandbox_name(slurm: str) -> str:
    """Name the sandbox of one Slurm version."""
    return f"truth-{slurm.replace('.', '-')}"


@contextmanager
def running(slurm: str) -> Iterator[str]:
    """Start the sandbox of one Slurm version on the shared folder, and end it."""
    shared = share()
    shared.mkdir(parents=True, exist_ok=True)
    shared.chmod(0o777)
    name = sandbox_name(slurm)
    up(name, Wanted(slurm=slurm, share=shared))
    try:
        yield name
    finally:
        down(name)


def run_cells(
    cells: Sequence[Cell], environments: Mapping[str, Mapping[str, str]], sandbox: str
) -> dict[str, dict[str, Any]]:
    """Run cells of one Slurm version in its running sandbox; what became of each, by its id."""
    folder = share() / "runs" / sandbox
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    names = {f"c{number:04}": cell for number, cell in enumerate(cells)}
    for name, cell in names.items():
        environment = {
            key: value.replace(CLUSTER, str(share()))
            for key, value in environments[cell.id].items()
        }
        text = script(cell, environment, _place(cell, folder), name)
        (folder / f"{name}.sh").write_text(text)
    done = run_hpcrun("sandbox", "exec", "--name", sandbox, "--", "sh", "-c", _SUBMIT, str(folder))
    assert done.returncode == 0, done.stderr
    _wait(folder, set(names), sandbox)
    return {cell.id: _result(cell, folder, name) for name, cell in names.items()}


def _place(cell: Cell, folder: Path) -> Place:
    return Place(
        image=share() / "images" / f"{cell.image}.sif",
        argv=cell.argv,
        folder=folder,
        prefix=share() / "stacks" / cell.stack if cell.stack else None,
    )


def _wait(folder: Path, names: set[str], sandbox: str) -> None:
    """Wait for every cell; where nothing ends any more the rest is cancelled."""
    n_ended, since = 0, time.monotonic()
    while n_ended < len(names):
        ended = {file.stem for file in folder.glob("*.rc")}
        if len(ended) != n_ended:
            n_ended, since = len(ended), time.monotonic()
            print(
                f"\rtruth: {sandbox} {n_ended}/{len(names)} ", end="", file=sys.stderr, flush=True
            )
        if time.monotonic() - since > PATIENCE_S:
            run_hpcrun("sandbox", "exec", "--name", sandbox, "--", "sh", "-c", _CANCEL)
            return
        time.sleep(_POLL_S)


def _result(cell: Cell, folder: Path, name: str) -> dict[str, Any]:
    ended = folder / f"{name}.rc"
    code = int(ended.read_text()) if ended.exists() else None
    text = read_output(folder, name)
    found = read_outcome(cell, text, code, str(share() / "stacks" / (cell.stack or "-")))
    told = {name: _without_places(value) for name, value in found._asdict().items()}
    return {**told, "date": datetime.now(UTC).date().isoformat()}


def _without_places(text: str) -> str:
    """Leave out this machine's paths, and numbers of processes."""
    return re.sub(r"\[(n[0-9]+):[0-9]+\]", r"[\1]", text.replace(str(share()), CLUSTER))
