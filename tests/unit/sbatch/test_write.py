"""The job file of a script says what the script's job is, and loads as that."""

from pathlib import Path

import pytest

from hpcrun.loading import load_job
from hpcrun.sbatch import format_job, read_job
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
    "injected": 'export nodes="1\nmounts: [{host: /etc, container: /x}]" tasks="0x1" A=true\n'
    "srun -n 2 apptainer exec a.sif true\n",
    "carriage returns": "srun -n 2 apptainer exec a.sif 'a\rb' \"$X\rmounts: [{host: /}]\r#\"\n",
    "unseen": "srun -n 2 apptainer exec a.sif '\u202ea\u2066' '\U000e0041' '\xa0' \"$X\u202e\"\n",
    "flags": "#SBATCH --exclusive --site-thing=true --site-b=1\nsrun -n 2 apptainer exec a.sif b\n",
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


def test_written_job_shows_all_that_it_holds(tmp_path: Path) -> None:
    text = format_job(read(tmp_path, SCRIPTS["unseen"]), tmp_path)
    assert text.replace("\n", "").isprintable()
    assert "\\u202e" in text


def test_name_of_a_script_cannot_add_lines_to_the_job(tmp_path: Path) -> None:
    path = tmp_path / "a\rmounts: [{host: b}]\r#.sh"
    path.write_text(f"#!/bin/sh\n{STEP}\n")
    file = tmp_path / "job.yaml"
    file.write_text(format_job(read_job(path), tmp_path), encoding="utf-8")
    assert load_job(file).mounts == ()
