"""The example of each rule about scripts fires it with the page's message; a near miss does not."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from hpcrun.errors import InputError
from hpcrun.model.diagnostic import Diagnostic
from hpcrun.planner import plan_job
from hpcrun.rules import read_page
from hpcrun.sbatch import check_script, check_script_at
from hpcrun.tables import rules
from tests.unit.planner.measured import IMAGES, STACKS, site
from tests.unit.sbatch.scripts import STEP, read

OPENMPI = IMAGES["debian13-openmpi-5.0.7"]
TWO = "#SBATCH --ntasks=2\n"
SILENT = {
    "HPR821": f"# a comment\n\n{TWO}{STEP}\n",
    "HPR822": f"{TWO}#SBATCH --nodes=2 # two\n{STEP}\n",
    "HPR823": f"{TWO}#SBATCH -o out-%j.txt --comment='5 $'\n{STEP}\n",
    "HPR824": "srun ./prepare.sh\nsingularity exec app.sif a\n",
    "HPR825": f"module load x\ntrap 'echo' TERM\n{TWO}{STEP}\n",
    "HPR826": f'IN=a\nsrun --mpi=pmix apptainer exec app.sif a "$IN" $SLURM_PROCID\n{TWO}',
    "HPR827": f"apptainer pull app.sif docker://debian\n{TWO}{STEP}\n",
    "HPR828": f"{TWO}#SBATCH -p main\n{STEP}\n",
    "HPR829": f"{TWO}export SLURM_MPI_TYPE=pmix\nsrun apptainer exec app.sif a\n",
    "HPR830": f"{TWO}srun --mpi=pmix apptainer exec app.sif /opt/mpirun-report a\n",
    "HPR831": "#SBATCH --ntasks=1\nsrun --mpi=pmix apptainer exec --cleanenv app.sif a\n",
    "HPR832": f"{TWO}srun --mpi=pmi2 apptainer exec --contain app.sif a\n",
    "HPR833": f"{TWO}srun -K --mpi=pmix apptainer exec app.sif a\n",
    "HPR834": f"{TWO}export OMP_NUM_THREADS=2\n{STEP}\n",
    "HPR835": f"{TWO}#SBATCH -c 2\nexport SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK\n{STEP}\n",
    "HPR836": f"{TWO}apptainer exec app.sif echo docker://debian\n{STEP}\n",
    "HPR837": f"export APPTAINER_CACHEDIR=/w/c\napptainer pull a.sif docker://debian\n{TWO}{STEP}\n",
    "HPR838": "#SBATCH -N 1 -n 1 -c 8\napptainer exec app.sif a\n",
    "HPR839": f'{TWO}# dirname "$0"\ncd "$(dirname "$SLURM_SUBMIT_DIR/x")"\n{STEP}\n',
}
OWN = [rule.code for rule in rules().values() if rule.made_by == "sbatch"]


class Said(NamedTuple):
    """What is said of a script."""

    lines: list[str]
    found: tuple[Diagnostic, ...]


def said_of(text: str, folder: Path, slurm: str = "22.05.8") -> Said:
    """Check a script at a site whose `MpiDefault` is none."""
    try:
        script = read(folder, text)
    except InputError as error:
        found = error.diagnostics
    else:
        here = site(scheduler=site().scheduler.to_json() | {"version": slurm})
        plan = plan_job(script.job, here, {"amd64": OPENMPI}, STACKS)
        found = (*check_script(script), *check_script_at(script, here, plan))
    return Said([f"{d.severity}[{d.code}]: {d.message}" for d in found], found)


def part(code: str, fence: str) -> str:
    blocks = re.findall(rf"```{fence}\n(.*?)\n?```", read_page(code), re.DOTALL)
    return str(blocks[0])


def test_every_rule_has_a_near_miss() -> None:
    assert set(SILENT) == set(OWN)


@pytest.mark.parametrize("code", OWN)
def test_rule_fires_on_the_example_of_its_page(code: str, tmp_path: Path) -> None:
    shown = re.search(r"hpcrun says:\n\n```\n(.*?)\n```", read_page(code), re.DOTALL)
    assert shown is not None
    said = said_of(part(code, "sh"), tmp_path)
    assert shown[1] in said.lines
    assert all(d.location and d.location.source_line for d in said.found)


@pytest.mark.parametrize("code", OWN)
def test_rule_is_silent_on_the_nearest_miss(code: str, tmp_path: Path) -> None:
    said = said_of(SILENT[code], tmp_path)
    assert [line for line in said.lines if code in line] == []


@pytest.mark.parametrize("code", OWN)
def test_every_finding_has_evidence(code: str, tmp_path: Path) -> None:
    said = said_of(part(code, "sh"), tmp_path)
    assert all(d.found for d in said.found)
    assert all(len(d.message) <= 90 for d in said.found)


@pytest.mark.parametrize(("slurm", "severity"), [("23.02", "warning"), ("unknown", "note")])
def test_cpus_of_tasks_are_lost_from_22_05_up_to_23_02(
    slurm: str, severity: str, tmp_path: Path
) -> None:
    said = said_of(part("HPR835", "sh"), tmp_path, slurm)
    assert [line.split("[")[0] for line in said.lines if "HPR835" in line] == [severity]


@pytest.mark.parametrize("slurm", ["20.11", "23.11.4", "24.11.5"])
def test_cpus_of_tasks_are_taken_over_by_other_versions(slurm: str, tmp_path: Path) -> None:
    said = said_of(part("HPR835", "sh"), tmp_path, slurm)
    assert [line for line in said.lines if "HPR835" in line] == []
