"""Runs commands, here or through a site's command prefix; does not know what they mean."""

import os
import sys
from collections.abc import Sequence

from hpcrun.errors import ExitCode, UnavailableError
from hpcrun.ports import CommandMissingError, CommandResult
from hpcrun.store.command_environment import local_environment, prefix_environment
from hpcrun.store.process import Streams, run_process

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126


class LocalRunner:
    """Runs commands right here."""

    is_local = True

    def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 30
    ) -> CommandResult:
        """Run a command to its end."""
        environment = local_environment(os.environ)
        return run_process(argv, Streams(stdin), environment=environment, timeout_s=timeout_s)


class PrefixRunner:
    """Runs commands behind a prefix, such as `hpcrun sandbox exec --`, which gets them as argv."""

    is_local = False

    def __init__(self, prefix: Sequence[str]) -> None:
        self.prefix = tuple(prefix)

    def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 30
    ) -> CommandResult:
        """Run a command to its end; 69 of the prefix means that it cannot reach the site."""
        result = run_process(
            (*_own_program(self.prefix), *argv),
            Streams(stdin),
            environment=prefix_environment(os.environ),
            timeout_s=timeout_s,
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


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line and not line.startswith("help:")]
    return lines[-1].removeprefix("error: ") if lines else "it said nothing"


def _help_lines(text: str) -> tuple[str, ...]:
    lines = text.splitlines()
    return tuple(line.removeprefix("help:").strip() for line in lines if line.startswith("help:"))
