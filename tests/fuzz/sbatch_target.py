"""The reader of sbatch scripts as fuzzers run it: a job that is written loads as the one read."""

import tempfile
from pathlib import Path

from hpcrun.loading import load_job
from hpcrun.sbatch import check_script, format_job, read_job

_SCRIPTS = Path(__file__).resolve().parents[1] / "corpora" / "scripts"
_DENSE = (
    b"#!/bin/bash\n#SBATCH -N 2 -n 4 --mem=2G --gres=gpu:a:2,tmpfs:1 --export=A=b\n"
    b"module load x\nIMG=$HOME/a.sif\nexport SINGULARITY_BIND=/a:/b:ro,/c A='b' \n"
    b"srun --mpi=pmix -n 2 env C=d singularity exec -eB /x:/y --env E=f \\\n"
    b"  --mount type=bind,src=/a,dst=/b $IMG prog \"$X\" $SLURM_PROCID 'a b'\n"
    b"mpirun -np 2 --mca a b apptainer run a.sif\n"
)
SEEDS = (_DENSE, *(path.read_bytes() for path in sorted(_SCRIPTS.glob("*/job.sbatch"))))


def run_sbatch(data: bytes) -> None:
    """Read a script; write the job, and load it again."""
    with tempfile.TemporaryDirectory(prefix="hpcrun-fuzz-") as name:
        folder = Path(name)
        (folder / "job.sbatch").write_bytes(data)
        script = read_job(folder / "job.sbatch", {"HOME": "/home/someone"})
        list(check_script(script))
        file = folder / "job.yaml"
        file.write_text(format_job(script, folder), encoding="utf-8")
        assert _loaded(file) == script.job.model_copy(update={"file": file})


def _loaded(file: Path) -> object:
    """Load what was written; that it cannot be loaded is a bug and no fault of the script."""
    try:
        return load_job(file)
    except Exception as exc:
        raise AssertionError(f"the written job does not load: {exc}") from exc
