"""Whatever stands in a script, reading it ends soon, and with a job or an error of its own."""

import time
from pathlib import Path

import pytest

from hpcrun.errors import HpcrunError
from hpcrun.sbatch import check_script, format_job, read_job

COSTLY = {
    "words": b"srun apptainer exec a.sif " + b"a " * 100_000,
    "commands": b"srun apptainer exec a.sif b;" * 8000,
    "statements": b"srun apptainer exec a.sif " + b"zzz " * 350 + b";" * 1 + b"\\\n" * 60,
    "mounts": b"apptainer exec " + (b"-B " + b"/a:/b," * 600 + b" ") * 60 + b"a.sif b",
    "env": b"apptainer exec " + (b"--env " + b"a=b," * 1000 + b" ") * 60 + b"a.sif b",
    "inner": b"bash -c 'for a in b; do apptainer exec a.sif b; done'\n" * 4000,
    "digits": b"#SBATCH -n " + b"9" * 200_000 + b"\napptainer exec a.sif b\n",
    "options": b"#SBATCH " + b"--a=b " * 40_000 + b"\napptainer exec a.sif b\n",
    "exports": b"".join(b"export a%d=b\n" % n for n in range(1900)) + b"apptainer exec a.sif b\n",
    "lines": b"\n" * 250_000 + b"apptainer exec a.sif b\n",
    "own folder": b"srun apptainer exec a.sif b\n:" + b"$(dirname " * 26_000,
    "quotes": b"#SBATCH " + b"\"'" * 100_000 + b"\napptainer exec a.sif b\n",
}


def read(folder: Path, content: bytes) -> str:
    path = folder / "job.sh"
    path.write_bytes(content)
    try:
        script = read_job(path)
    except HpcrunError as error:
        return error.message
    list(check_script(script))
    return format_job(script, folder)


@pytest.mark.parametrize("content", COSTLY.values(), ids=COSTLY)
def test_costly_scripts_are_given_up_soon(content: bytes, tmp_path: Path) -> None:
    began = time.process_time()
    assert read(tmp_path, b"#!/bin/bash\n" + content)
    assert time.process_time() - began < 10


def test_script_that_is_too_large_is_refused(tmp_path: Path) -> None:
    assert "larger than" in read(tmp_path, b"#!/bin/sh\n" + b"#" * 300_000)


def test_no_more_is_told_of_a_script_than_anybody_reads(tmp_path: Path) -> None:
    path = tmp_path / "job.sh"
    path.write_bytes(b"#!/bin/sh\n" + b"#SBATCH $a $b\n" * 4000 + b"apptainer exec a.sif b\n")
    script = read_job(path)
    assert len(script.found) <= 300
    assert any(each.severity.value == "error" for each in script.found)
