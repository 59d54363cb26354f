"""The real sbatch reads header values as our model of it does."""

import itertools
from pathlib import Path

import pytest

from hpcrun.render.quoting import sbatch
from tests.sandbox_fixture import Sandbox

pytestmark = pytest.mark.slurm

LETTERS = "a '\"\\#$%:`;"
WORDS = ["".join(word) for n in (1, 2) for word in itertools.product(LETTERS, repeat=n)]
LONG = [
    'it\'s "$HOME" `id` \\ #1; 50% & <a|b> *',
    "\\\\\"'\\'",
    "x" * 200,
    "ü € 漢",
    "-n 5 --mem=1",
]
SUBMIT_EACH = """
while IFS= read -r value; do
    printf '#!/bin/sh\\n#SBATCH --comment=%s\\n' "$value" >script
    printf '#SBATCH --hold\\n#SBATCH --mem=10M\\n#SBATCH --output=/dev/null\\ntrue\\n' >>script
    sbatch --parsable script </dev/null
done
"""


def test_every_value_arrives_as_it_was_meant(sandbox: Sandbox, shared_folder: Path) -> None:
    meant = [f"<{word}>" for word in [*WORDS, *LONG]]
    lines = "".join(f"{sbatch(value)}\n" for value in meant)
    submitted = sandbox.exec("sh", "-c", SUBMIT_EACH, stdin=lines, folder=shared_folder)
    ids = submitted.stdout.split()
    try:
        asked = ("squeue", "--noheader", f"--jobs={','.join(ids)}", "--format=%i|%k")
        shown = sandbox.exec(*asked).stdout
        arrived = dict(line.split("|", 1) for line in shown.splitlines())
        assert [arrived[job_id] for job_id in ids] == meant
    finally:
        sandbox.exec("scancel", *ids)
