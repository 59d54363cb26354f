"""Options are taken as getopt_long(3) takes them."""

from pathlib import Path

import pytest

from hpcrun.loading.source import make_source
from hpcrun.sbatch.options import Options, read_options
from hpcrun.sbatch.places import Word
from hpcrun.tables.slurm_options import Tool


def options(line: str, tool: Tool = "sbatch") -> Options:
    source = make_source(Path("job.sh"), line)
    return read_options([Word(text, source.span(1, 1)) for text in line.split()], tool)


LINES = {
    "-N2": [("nodes", "2")],
    "-n 4 -c2": [("ntasks", "4"), ("cpus-per-task", "2")],
    "--nodes=2": [("nodes", "2")],
    "--nodes 2": [("nodes", "2")],
    "--ntasks-per-n 2": [("ntasks-per-node", "2")],
    "--part=a": [("partition", "a")],
    "-Hn4": [("hold", None), ("ntasks", "4")],
    "--exclusive": [("exclusive", None)],
    "--exclusive=user": [("exclusive", "user")],
    "--nice -n 1": [("nice", None), ("ntasks", "1")],
    "--requeue": [("requeue", None)],
}


@pytest.mark.parametrize(("line", "given"), LINES.items(), ids=LINES)
def test_options_are_read(line: str, given: list[tuple[str, str | None]]) -> None:
    read = options(line)
    assert ([(g.name, g.value) for g in read.given], read.rest, read.found) == (given, (), ())


FAULTS = {
    "--nodes": "`--nodes` has no value",
    "--hold=1": "`--hold` takes no value",
    "-@": "sbatch has no option `-@`",
    "--gpu=1": "`--gpu` may be any of",
    "--tsaks=4": "sbatch has no option `--tsaks`",
}


@pytest.mark.parametrize(("line", "message"), FAULTS.items(), ids=FAULTS)
def test_what_sbatch_turns_down_is_told(line: str, message: str) -> None:
    assert [d.message.startswith(message) for d in options(line).found] == [True]


def test_unknown_option_may_be_a_plugins() -> None:
    read = options("--site-thing=a -n 2")
    assert [(g.name, g.value, g.is_known) for g in read.given] == [
        ("site-thing", "a", False),
        ("ntasks", "2", True),
    ]


def test_srun_reads_up_to_its_program() -> None:
    read = options("-n 2 --wait 5 -l prog -n 4", "srun")
    assert [g.shown for g in read.given] == ["--ntasks=2", "--wait=5", "--label"]
    assert [word.text for word in read.rest] == ["prog", "-n", "4"]
