"""The hello example as it is shipped: every rank speaks, in order, from both nodes."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.sandbox_fixture import CHECKOUT, Sandbox, run_hpcrun

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer, pytest.mark.mpi]

HELLO = CHECKOUT / "examples" / "hello"


@pytest.mark.parametrize("image", ["openmpi", "mpich"])
def test_hello_is_said_by_every_rank_in_order(
    sandbox: Sandbox, images: Mapping[str, Path], shared_folder: Path, image: str
) -> None:
    assert images[image].parent == shared_folder.parent / "images"
    job = (HELLO / "job.yaml").read_text().replace("openmpi.sif  ", f"{image}.sif  ")
    for name, text in (("job.yaml", job), ("hello.py", (HELLO / "hello.py").read_text())):
        sandbox.exec("sh", "-c", 'cat >"$0"', str(shared_folder / name), stdin=text)
    job_file = str(shared_folder / "job.yaml")
    done = run_hpcrun("submit", job_file, "--site", str(sandbox.profile), "--wait")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = run_hpcrun("logs", "--runs", str(shared_folder / ".hpcrun" / "runs"))
    lines = re.findall(r"^rank (\d) of 4 on (n\d), process \d+: (\w+)", shown.stdout, re.MULTILINE)
    assert [rank for rank, _, _ in lines] == ["0", "1", "2", "3"]
    assert {node for _, node, _ in lines} == {"n1", "n2"}
    assert {library for _, _, library in lines} == {"Open" if image == "openmpi" else "MPICH"}
