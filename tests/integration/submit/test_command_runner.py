"""Commands run to their end, here or behind a prefix, and never for ever."""

import os
import sys
import time
from pathlib import Path

import pytest

from hpcrun.errors import UnavailableError
from hpcrun.ports import CommandMissingError, CommandTimeoutError
from hpcrun.store.command_runner import LocalRunner, PrefixRunner


def test_local_command_gives_code_and_both_streams() -> None:
    result = LocalRunner().run(("sh", "-c", "cat; echo no >&2; exit 3"), stdin=b"\xff yes")
    assert (result.exit_code, result.stdout, result.stderr) == (3, b"\xff yes", "no\n")


def test_local_command_that_is_not_there_is_missing() -> None:
    with pytest.raises(CommandMissingError, match="cannot run `no-such-command`"):
        LocalRunner().run(("no-such-command",))


def test_local_command_that_ignores_its_input_is_no_error() -> None:
    assert LocalRunner().run(("true",), stdin=b"x" * 1_000_000).exit_code == 0


def test_local_command_that_is_slow_to_begin_reads_all_of_its_input() -> None:
    result = LocalRunner().run(("sh", "-c", "sleep 1; wc -c"), stdin=b"x" * 300_000, timeout_s=20)
    assert result.text.strip() == "300000"


def test_local_command_too_slow_is_killed_with_its_children(tmp_path: Path) -> None:
    late = tmp_path / "late"
    began = time.monotonic()
    with pytest.raises(CommandTimeoutError, match=r"did not answer within 0.3 seconds"):
        LocalRunner().run(("sh", "-c", f"(sleep 1; touch {late}) & wait"), timeout_s=0.3)
    assert time.monotonic() - began < 1
    time.sleep(1)
    assert not late.exists()


def test_local_command_gets_a_short_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SBATCH_PARTITION", "other")
    names = {line.partition("=")[0] for line in LocalRunner().run(("env",)).text.splitlines()}
    assert "SBATCH_PARTITION" not in names
    assert names >= {"PATH", "LC_ALL"}


def test_prefix_gets_the_command_as_it_is() -> None:
    runner = PrefixRunner(("env", "A=1"))
    result = runner.run(("sh", "-c", 'printf "%s|" "$A" "$@"', "sh", "a b", "$x", ""))
    assert result.text == "1|a b|$x||"


def test_prefix_that_ends_with_69_cannot_reach_the_site(tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    prefix.write_text(
        "#!/bin/sh\necho 'error: the sandbox is down' >&2\necho 'help: up' >&2\nexit 69\n"
    )
    prefix.chmod(0o755)
    with pytest.raises(
        UnavailableError, match="cannot reach the site: the sandbox is down"
    ) as caught:
        PrefixRunner((str(prefix),)).run(("squeue",))
    assert caught.value.help == ("up",)


def test_prefix_that_is_not_there_is_missing() -> None:
    with pytest.raises(CommandMissingError, match="cannot run `/no/prefix`"):
        PrefixRunner(("/no/prefix",)).run(("squeue",))


def test_prefix_command_that_is_not_there_is_missing() -> None:
    with pytest.raises(CommandMissingError, match="cannot run `no-such-command` at the site"):
        PrefixRunner(("env",)).run(("no-such-command",))


def test_prefix_word_hpcrun_is_this_very_hpcrun(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).resolve().parents[3]
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin")
    assert PrefixRunner(("hpcrun",)).run(("--version",)).text.startswith("hpcrun ")


def test_own_program_in_a_prefix_is_never_taken_from_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "hpcrun.py").write_text("print('a stranger')")
    (tmp_path / "json.py").write_text("print('a stranger')")
    monkeypatch.chdir(tmp_path)
    result = PrefixRunner(("hpcrun", "--version")).run(())
    assert result.text.startswith("hpcrun")
    assert "stranger" not in result.text
