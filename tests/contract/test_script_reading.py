"""The real sbatch reads scripts as hpcrun reads them, and has the options that the table names."""

import re
from pathlib import Path

import pytest

from hpcrun.loading.source import make_source
from hpcrun.sbatch.directives import read_header
from hpcrun.tables.slurm_options import Tool, slurm_options
from tests.sandbox_fixture import Sandbox

pytestmark = pytest.mark.slurm

HEADERS = (
    "-N1 -n 2",
    "--comment=\"a b\" -J 'c d'",
    r"--comment=a\ b\"c -n 1",
    r"--comment='it\'s' -n 1",
    r"--comment='a\\b' --job-name=x",
    "-n 1 # four",
    "-J a#b -n 1",
    "-J 'a#b' -n 1",
    "-J \"a'b\" --comment='a\"b'",
    "\t-n\t1\t",
    "-n1 -J $HOME",
    r"-J a\\ -n 1",
)
REFUSED = ("-J 'a", ":x", "-n 1 foo", "--hold=1", "--tsk=1", "--gpu=1", "--nodes", "-@")
ASK = (
    'while IFS= read -r line; do printf "#!/bin/sh\\n#SBATCH %s\\ntrue\\n" "$line" >script; '
    "{}; done"
)


def header(line: str) -> str:
    return f"#!/bin/sh\n#SBATCH {line}\ntrue\n"


def test_words_of_a_line_are_those_that_sbatch_finds(sandbox: Sandbox, shared_folder: Path) -> None:
    ask = ASK.format("sbatch -vvvv --test-only script 2>&1; echo END")
    ran = sandbox.exec("bash", "-c", ask, stdin="\n".join(HEADERS) + "\n", folder=shared_folder)
    answers = ran.stdout.split("END\n")[:-1]
    theirs = [re.findall(r'Found in script, argument "(.*)"\n', answer) for answer in answers]
    ours = [
        [word.text for word in read_header(make_source(Path("job"), header(line))).words]
        for line in HEADERS
    ]
    assert theirs == ours


def test_what_is_told_as_refused_sbatch_refuses(sandbox: Sandbox, shared_folder: Path) -> None:
    ask = ASK.format("sbatch --test-only script >/dev/null 2>&1; echo $?")
    ran = sandbox.exec("bash", "-c", ask, stdin="\n".join(REFUSED) + "\n", folder=shared_folder)
    assert "0" not in ran.stdout.split()
    assert len(ran.stdout.split()) == len(REFUSED)


TOOLS: tuple[Tool, ...] = ("sbatch", "srun")


@pytest.mark.parametrize("tool", TOOLS)
def test_table_has_the_options_that_the_tool_names(tool: Tool, sandbox: Sandbox) -> None:
    ran = sandbox.exec(tool, "--help")
    named = dict(
        re.findall(r"^\s+(?:-\w, )?\s*--([a-z][a-z0-9-]*)(\[=|=|)", ran.stdout, re.MULTILINE)
    )
    rows = {row.option: row for row in slurm_options(tool)}
    assert named.keys() - rows.keys() == set()
    with_value = {name for name, mark in named.items() if mark == "="}
    assert {n for n in with_value if rows[n].takes == "none"} == set()


@pytest.mark.parametrize("tool", TOOLS)
def test_table_has_the_letters_that_the_tool_names(tool: Tool, sandbox: Sandbox) -> None:
    ran = sandbox.exec(tool, "--help")
    letters = re.findall(r"^\s+-(\w), --([a-z][a-z0-9-]*)", ran.stdout, re.MULTILINE)
    rows = {row.short: row.option for row in slurm_options(tool) if row.short}
    assert {letter: rows.get(letter) for letter, _ in letters} == dict(letters)
