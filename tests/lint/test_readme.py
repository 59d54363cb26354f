"""Each block of the README is run by a test, or says that it cannot be run."""

import re
from pathlib import Path

import pytest

from hpcrun.loading import load_job

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(<!-- not runnable[^\n]*-->\n)?```(\w+)\n(.*?)```", README, re.DOTALL)
SET_UP = ["sh examples/quickstart.sh\n", "sh tests/run.sh\n"]


def blocks(language: str) -> list[str]:
    return [text for mark, name, text in BLOCKS if name == language and not mark]


def test_shell_blocks_are_those_that_the_fresh_machine_runs() -> None:
    section = README.split("## Two commands\n")[1].split("\n## ")[0]
    assert blocks("sh") == SET_UP
    assert re.findall(r"```sh\n(.*?)```", section, re.DOTALL) == SET_UP


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert {name for mark, name, _ in BLOCKS if not mark} <= {"sh", "yaml", "text"}


@pytest.mark.parametrize("text", blocks("yaml"))
def test_job_blocks_are_jobs(text: str, tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_job(path).resources.n_tasks > 1


def test_every_command_of_the_table_exists() -> None:
    from hpcrun.cli.main import COMMANDS

    named = set(re.findall(r"`hpcrun ([a-z-]+)", README))
    assert named - {"help"} <= set(COMMANDS) | {"help"}
