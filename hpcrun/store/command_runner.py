"""Runs commands, here or through a site's command prefix; the one place that starts processes.

Does not know what the commands mean.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from hpcrun.errors import ExitCode, UnavailableError
from hpcrun.ports import CommandMissingError, CommandResult, CommandTimeoutError
from hpcrun.store.command_environment import local_environment, prefix_environment

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126


class LocalRunner:
    """Runs commands right here."""

    is_local = True

    def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 30
    ) -> CommandResult:
        """Run a command to its end."""
        return _run(argv, stdin, timeout_s, environment=local_environment(os.environ))


class PrefixRunner:
    """Runs commands behind a prefix, such as `hpcrun sandbox exec --`, which gets them as argv."""

    is_local = False

    def __init__(self, prefix: Sequence[str]) -> None:
        self.prefix = tuple(prefix)

    def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 30
    ) -> CommandResult:
        """Run a command to its end; 69 of the prefix means that it cannot reach the site."""
        result = _run(
            (*_own_program(self.prefix), *argv),
            stdin,
            timeout_s,
            environment=prefix_environment(os.environ),
        )
        if result.exit_code == ExitCode.UNAVAILABLE:
            raise UnavailableError(
                f"`{' '.join(self.prefix)}` cannot reach the site: {_last_line(result.stderr)}",
                help=_help_lines(result.stderr),
            )
        if result.exit_code in (_NOT_FOUND, _NOT_EXECUTABLE):
            raise CommandMissingError(
                f"cannot run `{argv[0]}` at the site: {result.stderr.strip()}"
            )
        return result


def _own_program(prefix: tuple[str, ...]) -> tuple[str, ...]:
    """Let `hpcrun` in a prefix mean this very hpcrun, whatever PATH says."""
    if prefix[0] == "hpcrun":
        # -P: whatever lies in the current folder, a stranger's perhaps, is no part of hpcrun.
        return (sys.executable, "-P", "-m", "hpcrun", *prefix[1:])
    return prefix


def _run(
    argv: Sequence[str], stdin: bytes, timeout_s: float, *, environment: Mapping[str, str]
) -> CommandResult:
    try:
        # A session of its own, so that Ctrl-C ends hpcrun's wait and not an sbatch half way.
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            start_new_session=True,
        )
    except (FileNotFoundError, PermissionError, NotADirectoryError) as exc:
        raise CommandMissingError(
            f"cannot run `{argv[0]}`: {exc.strerror or exc}",
            help=(f"run hpcrun where `{argv[0]}` is on the PATH, for example on a login node",),
        ) from exc
    with process:
        try:
            stdout, stderr = process.communicate(stdin, timeout=timeout_s)
        except subprocess.TimeoutExpired as exc:
            _kill_group(process)
            raise CommandTimeoutError(
                f"`{argv[0]}` did not answer within {timeout_s:g} seconds"
            ) from exc
        except BaseException:
            _kill_group(process)
            raise
    return CommandResult(process.returncode, stdout, stderr.decode("utf-8", "replace"))


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.communicate()


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line and not line.startswith("help:")]
    return lines[-1].removeprefix("error: ") if lines else "it said nothing"


def _help_lines(text: str) -> tuple[str, ...]:
    lines = text.splitlines()
    return tuple(line.removeprefix("help:").strip() for line in lines if line.startswith("help:"))
