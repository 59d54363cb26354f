"""A command arrives through every login shell as it was given; shells not here are skipped."""

import shutil
import subprocess

import pytest

from hpcrun.store.remote_command import RemoteEnd, format_line, new_mark, output_start, parse_end

WORDS = ["a b", "$HOME", "it's", "!", "!!", "\\", "\\\\'", "\n", "", "é", "`id`", "~", "*", "=x"]


@pytest.mark.parametrize("shell", ["dash", "bash", "tcsh", "fish", "zsh"])
def test_words_arrive_through_the_login_shell(shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} here")
    mark = new_mark()
    line = format_line(("printf", "%s\\0", *WORDS), mark=mark)
    done = subprocess.run([program, "-c", line], capture_output=True, check=True)
    start = output_start(done.stdout, mark=mark)
    assert done.stdout[start:].decode().split("\0")[:-1] == WORDS
    assert parse_end(done.stderr.decode(), mark=mark) == RemoteEnd(0, "")


def test_command_gets_no_settings_of_slurms_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SBATCH_PARTITION", "other")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm.conf")
    line = format_line(("env",), mark="hpcrun-0")
    said = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
    names = {one.partition("=")[0] for one in said.splitlines()}
    assert names & {"SBATCH_PARTITION", "SLURM_JOB_ID", "SLURM_CONF"} == {"SLURM_CONF"}
