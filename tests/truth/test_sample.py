"""A sample of cells in the sandbox of the test session: what the engine says comes true.

The cells are those of the examples' images on the sandbox's own installations, every way to start
them; each commit tries others. The long table has lists of its own (README.md).
"""

import time
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import pytest

from hpcrun.app.passports import read_stacks
from hpcrun.image import read_image
from hpcrun.loading import load_site
from hpcrun.model.verdict import Answer
from hpcrun.resources import site_profiles_folder
from tests.one_share import one_share
from tests.sandbox_fixture import Sandbox
from tests.truth.cells import Cell
from tests.truth.launch import Place, read_output, script
from tests.truth.lists import HERE
from tests.truth.outcome import read_outcome
from tests.truth.predict import ask

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer, pytest.mark.mpi]

IMAGES = ("openmpi", "mpich")
STACKS = ("openmpi-5.0.11", "mpich-4.3.2")
CELLS = tuple(
    f"24.11/{image}-x86_64/python/{start}/2x1"
    for image, start in product(
        IMAGES,
        (
            *(f"hybrid/srun-{kind}/-" for kind in ("pmix", "pmi2", "none")),
            *(f"bind/srun-{kind}/{name}" for kind, name in product(("pmix", "pmi2"), STACKS)),
            "hybrid/mpirun/openmpi-5.0.11",
            "hybrid/mpiexec/mpich-4.3.2",
        ),
    )
)
N_SHARES = 3
PATIENCE_S = 120


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "cell" in metafunc.fixturenames:
        cells = [Cell.parse(text) for text in one_share(CELLS, N_SHARES, metafunc.config)]
        metafunc.parametrize("cell", cells, ids=lambda cell: cell.id)


def test_verdict_comes_true(
    cell: Cell, sandbox: Sandbox, images: Mapping[str, Path], shared_folder: Path
) -> None:
    probe = shared_folder / "probe.py"
    assert sandbox.exec("tee", str(probe), stdin=(HERE / "probe.py").read_text()).returncode == 0
    image = images[cell.image.rpartition("-")[0]]
    argv = ("python3", str(probe))
    site = load_site(sandbox.profile, search=[site_profiles_folder()])
    facts = read_image(image, command=("python3", "-c", "from mpi4py import MPI"))
    said = ask(cell, facts, site, read_stacks(site))
    prefix = site.mpi_stacks[cell.stack].prefix if cell.stack else None
    place = Place(image=image, argv=argv, folder=shared_folder, prefix=prefix)
    output, code = _run(sandbox, script(cell, said["environment"], place, "cell"), shared_folder)
    seen = read_outcome(cell, output, code, str(prefix))
    assert said["answer"] != Answer.UNKNOWN
    assert (said["answer"] == Answer.COMPATIBLE) == (seen.outcome == "ok"), (said, seen, output)


def _run(sandbox: Sandbox, text: str, folder: Path) -> tuple[str, int | None]:
    """Submit a batch script by hand, and wait for what it leaves."""
    assert sandbox.exec("sbatch", stdin=text, folder=folder).returncode == 0
    ends = time.monotonic() + PATIENCE_S
    while not (folder / "cell.rc").exists() and time.monotonic() < ends:
        time.sleep(0.2)
    code = int((folder / "cell.rc").read_text()) if (folder / "cell.rc").exists() else None
    return read_output(folder, "cell"), code
