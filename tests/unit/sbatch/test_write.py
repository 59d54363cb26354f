"""The job file of a script says what the script's job is, and loads as that."""

from pathlib import Path

import pytest

from hpcrun.loading import load_job
from hpcrun.sbatch import format_job
from tests.unit.sbatch.scripts import STEP, read

SCRIPTS = {
    "plain": f"#SBATCH -N 2 -n 4 -t 10\n{STEP}\n",
    "everything": """\
#SBATCH -N 2 --ntasks-per-node=2 --mem=2G -A p -p main --exclusive --licenses=a:1,b:2
export OMP_NUM_THREADS=4 no=off A='x: y' B="tab\there" C=1e3
srun --mpi=pmix apptainer exec -B /data:/in:ro,sub:/sub img/app.sif \\
    /usr/bin/app yes 012 '- a' '#b' 'é "q" \\' '' "$IN"
""",
    "hostile": "export A=$'\\n' B='\u2028\u0085\ufeff' C='a: {b' D=\"`id`\"\n"
    "srun -n 2 apptainer exec '*&!.sif' a '%x' '@y' '`z' '|' '>' 'k: v' '- ' ' s ' 'null' '~'\n",
    "folder": "srun -n 2 apptainer exec --pwd '/a b' a.sif b 'c\nd' '  e'\n",
}


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_written_job_is_that_of_the_script(text: str, tmp_path: Path) -> None:
    script = read(tmp_path, text)
    file = tmp_path / "job.yaml"
    file.write_text(format_job(script, tmp_path), encoding="utf-8")
    loaded = load_job(file)
    assert loaded == script.job.model_copy(update={"file": file})


def test_job_for_another_folder_names_whole_paths(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    script = read(tmp_path / "scripts", SCRIPTS["everything"])
    file = tmp_path / "job.yaml"
    file.write_text(format_job(script, tmp_path), encoding="utf-8")
    loaded = load_job(file)
    assert loaded == script.job.model_copy(update={"file": file})


def test_what_is_left_out_stands_in_comments(tmp_path: Path) -> None:
    text = format_job(read(tmp_path, f"#SBATCH -n 2 --array=1-9\n{STEP}\n"), tmp_path)
    assert text.splitlines()[-2:] == [
        "# Not carried over:",
        "# line 2: `--array=1-9` is not carried over; hpcrun follows one job per run",
    ]


def test_comment_stays_one_line(tmp_path: Path) -> None:
    text = format_job(read(tmp_path, f"#SBATCH -n 2 -o 'a\u2028version: 2'\n{STEP}\n"), tmp_path)
    assert "\nversion: 2" not in text
    assert "\u2028" not in text
