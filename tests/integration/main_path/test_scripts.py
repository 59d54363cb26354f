"""A script and the job made of it on a real cluster: what is told of scripts really happens."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from hpcrun.app.check import Means, check
from hpcrun.site import identify_site
from tests.hello_job import HELLO
from tests.sandbox_fixture import Sandbox, run_hpcrun

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer, pytest.mark.mpi]

SCRIPT = """#!/bin/bash
#SBATCH -N 2 -n 4 --mem=500M
#SBATCH --time=00:05:00 --output=said.txt
IMG={image}
export HELLO_TEXT="from the script"
cd $SLURM_SUBMIT_DIR
{launch} apptainer exec {options} $IMG python3 hello.py
"""
RANK = re.compile(r"^rank (\d+) of (\d+) on \S+, process \d+: (\w+)", re.MULTILINE)
ALL_FOUR = [(str(rank), "4") for rank in range(4)]
ALONE = [("0", "1")] * 4
WAYS = {
    "pmix": ("srun --mpi=pmix", "", ALL_FOUR, set()),
    "default": ("srun", "", ALONE, {"HPR829"}),
    "cleanenv": ("srun --mpi=pmix", "--cleanenv", ALONE, {"HPR831"}),
}


def lay_out(sandbox: Sandbox, image: Path, name: str, launch: str, options: str) -> Path:
    """Write script and program into the shared folder."""
    folder = sandbox.share / f"{sandbox.name}-script-{name}"
    sandbox.exec("sh", "-c", 'rm -rf "$0" && mkdir "$0"', str(folder))
    texts = {
        "job.sbatch": SCRIPT.format(image=image, launch=launch, options=options),
        "hello.py": (HELLO / "hello.py").read_text(),
    }
    for file, text in texts.items():
        sandbox.exec("sh", "-c", 'cat >"$0"', str(folder / file), stdin=text)
    return folder


def ranks_in(text: str) -> list[tuple[str, str]]:
    return sorted((rank, size) for rank, size, _ in RANK.findall(text))


@pytest.mark.parametrize("name", WAYS)
def test_script_does_what_is_told_of_it(
    name: str, sandbox: Sandbox, images: Mapping[str, Path]
) -> None:
    launch, options, expected, codes = WAYS[name]
    folder = lay_out(sandbox, images["openmpi"], name, launch, options)
    sandbox.exec("sbatch", "--wait", "job.sbatch", folder=folder)
    said = sandbox.exec("cat", "said.txt", folder=folder).stdout
    assert ranks_in(said) == expected, said
    here = identify_site(str(sandbox.profile), environment={})
    made = check(folder / "job.sbatch", [here], Means(environment={}))
    told = (*made.diagnostics, *(d for at in made.sites for d in at.diagnostics))
    assert {d.code for d in told if d.refuses} == codes


@pytest.mark.parametrize("name", WAYS)
def test_job_of_a_script_finds_all_its_ranks(
    name: str, sandbox: Sandbox, images: Mapping[str, Path]
) -> None:
    launch, options, _, _ = WAYS[name]
    folder = lay_out(sandbox, images["openmpi"], f"{name}-job", launch, options)
    made = run_hpcrun("init", "--from", str(folder / "job.sbatch"), "--output", "-")
    assert made.returncode == 0, made.stderr
    sandbox.exec("sh", "-c", 'cat >"$0"', str(folder / "job.yaml"), stdin=made.stdout)
    job = str(folder / "job.yaml")
    done = run_hpcrun("submit", job, "--site", str(sandbox.profile), "--wait")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = run_hpcrun("logs", "--runs", str(folder / ".hpcrun" / "runs")).stdout
    assert ranks_in(shown) == ALL_FOUR, shown
