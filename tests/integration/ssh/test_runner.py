"""Commands by ssh on the sandbox's login node, and each way in which ssh can fail."""

import re
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcrun.errors import UnavailableError, UsageError
from hpcrun.ports import CommandMissingError, CommandTimeoutError
from hpcrun.store.ssh_runner import SshRunner
from tests.sandbox_fixture import NAME, Sandbox

pytestmark = pytest.mark.slurm

HOST = f"hpcrun-{NAME}"
HOSTILE = [
    "a b",
    "$HOME",
    "it's",
    '"',
    "!",
    "\\",
    "\n",
    "",
    "é",
    "`id`",
    "~",
    "*",
    "-x",
    "; exit 9",
]


@pytest.fixture
def runner(sandbox: Sandbox) -> SshRunner:
    return SshRunner(HOST, sandbox.ssh_config)


@pytest.fixture
def own_config(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A copy of the configuration for a test to spoil; a connection of its own goes with it."""
    config = tmp_path / "config"
    config.write_text(sandbox.ssh_config.read_text())
    return config


@pytest.fixture
def start_file(sandbox: Sandbox) -> Iterator[Path]:
    """The start file of the user's shell, which is read for each command by ssh."""
    place = Path(f"/home/{sandbox.user}/.bashrc")
    yield place
    sandbox.exec("rm", "-f", str(place))


def spoil(config: Path, key: str, value: str) -> None:
    text = re.sub(rf"(?m)^( *{key}) .*$", lambda found: f"{found[1]} {value}", config.read_text())
    config.write_text(text)


def test_command_gives_code_and_both_streams(runner: SshRunner) -> None:
    result = runner.run(("sh", "-c", "cat; echo no >&2; exit 3"), stdin=b"\xff yes")
    assert (result.exit_code, result.stdout, result.stderr) == (3, b"\xff yes", "no\n")


def test_255_of_a_command_is_its_own(runner: SshRunner) -> None:
    assert runner.run(("sh", "-c", "exit 255")).exit_code == 255


def test_hostile_words_arrive_as_they_are(runner: SshRunner) -> None:
    result = runner.run(("printf", "%s\\0", *HOSTILE))
    assert result.stdout.decode().split("\0")[:-1] == HOSTILE


def test_command_that_is_not_there_is_missing(runner: SshRunner) -> None:
    with pytest.raises(CommandMissingError, match="cannot run `no-such-command` at the site"):
        runner.run(("no-such-command",))


def test_words_that_no_shell_takes_are_refused(runner: SshRunner) -> None:
    with pytest.raises(UsageError, match="too long to be sent by ssh"):
        runner.run(("true", "x" * 200_000))


def test_one_connection_serves_all_commands(sandbox: Sandbox) -> None:
    ports = {
        SshRunner(HOST, sandbox.ssh_config).run(("sh", "-c", 'echo "$SSH_CLIENT"')).text
        for _ in range(3)
    }
    assert len(ports) == 1


def test_start_file_that_prints_does_no_harm(
    sandbox: Sandbox, runner: SshRunner, start_file: Path
) -> None:
    text = "echo Welcome; echo Mind the maintenance >&2; export SBATCH_PARTITION=other"
    sandbox.exec("sh", "-c", 'cat >"$0"', str(start_file), stdin=text)
    result = runner.run(("sh", "-c", 'echo "${SBATCH_PARTITION-none}"'))
    assert (result.text, result.stderr) == ("none\n", "")


def test_start_file_that_ends_the_shell_is_told(
    sandbox: Sandbox, runner: SshRunner, start_file: Path
) -> None:
    sandbox.exec("sh", "-c", 'cat >"$0"', str(start_file), stdin="echo out of order >&2; exit 4")
    with pytest.raises(CommandMissingError, match="runs no command: out of order"):
        runner.run(("true",))


def test_changed_host_key_is_refused(own_config: Path, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", tmp_path / "k"], check=True)
    known = tmp_path / "known"
    known.write_text(f"{HOST} {(tmp_path / 'k.pub').read_text()}")
    spoil(own_config, "UserKnownHostsFile", str(known))
    with pytest.raises(UnavailableError, match="host key is not the one that is known") as caught:
        SshRunner(HOST, own_config).run(("true",))
    assert f"ssh-keygen -R {HOST}" in caught.value.help[1]


def test_unknown_host_key_is_refused_even_where_the_user_accepts_all(
    own_config: Path, tmp_path: Path
) -> None:
    spoil(own_config, "UserKnownHostsFile", str(tmp_path / "none"))
    spoil(own_config, "StrictHostKeyChecking", "no")
    with pytest.raises(UnavailableError, match="Host key verification failed") as caught:
        SshRunner(HOST, own_config).run(("true",))
    assert "compare the key" in caught.value.help[0]
    assert not (tmp_path / "none").exists()


def test_refused_key_names_the_ways_in(own_config: Path, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", tmp_path / "k"], check=True)
    spoil(own_config, "IdentityFile", str(tmp_path / "k"))
    with pytest.raises(UnavailableError, match="Permission denied") as caught:
        SshRunner(HOST, own_config).run(("true",))
    assert "ssh-add" in caught.value.help[0]


def test_nobody_but_the_jobs_user_gets_in(own_config: Path) -> None:
    spoil(own_config, "User", "root")
    with pytest.raises(UnavailableError, match="Permission denied"):
        SshRunner(HOST, own_config).run(("true",))


def test_host_out_of_reach_is_told(own_config: Path) -> None:
    spoil(own_config, "ProxyCommand", "sh -c 'echo nobody is there >&2; exit 1'")
    with pytest.raises(UnavailableError, match=f"cannot reach the site by ssh: {HOST}: "):
        SshRunner(HOST, own_config).run(("true",))


def test_connection_lost_on_the_way_is_told_from_an_end(runner: SshRunner) -> None:
    """The server's process of this very session is killed from inside."""
    with pytest.raises(CommandTimeoutError, match="was lost while `sh` ran there"):
        runner.run(("sh", "-c", "kill -9 $(ps -o ppid= -p $PPID); sleep 20"), timeout_s=40)
    assert runner.run(("true",)).exit_code == 0


def test_command_too_slow_is_given_up(runner: SshRunner) -> None:
    began = time.monotonic()
    with pytest.raises(CommandTimeoutError, match="did not answer within"):
        runner.run(("sleep", "60"), timeout_s=1.5)
    assert time.monotonic() - began < 30


def test_files_are_private_and_the_port_is_not_of_this_machine(sandbox: Sandbox) -> None:
    folder = sandbox.ssh_config.parent
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {modes[name] for name in ("config", "id_ed25519", "known_hosts")} == {0o600}
    here = Path("/proc/net/tcp").read_text()
    assert f"0100007F:{2222:04X} " not in here
    inside = sandbox.exec("cat", "/proc/net/tcp").stdout
    assert f"0100007F:{2222:04X} " in inside
