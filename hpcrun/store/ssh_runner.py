"""Runs commands at a site by ssh, and sends and fetches files; does not know what they mean."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from hpcrun.errors import UsageError
from hpcrun.ports import CommandMissingError, CommandResult, CommandTimeoutError
from hpcrun.store import remote_command
from hpcrun.store.command_environment import ssh_environment
from hpcrun.store.process import OUTPUT_MAX, Streams, run_process
from hpcrun.store.ssh_connection import SshConnection, control_folder

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_SSH_FAILED = 255
_HEAD_BYTES = 1 << 20
"""More than any start file prints."""


class SshRunner:
    """Runs commands at a host that ssh reaches without asking anything."""

    is_local = False

    def __init__(self, host: str, config: Path | None = None) -> None:
        self.host = host
        self.config = config
        self._environment = ssh_environment(os.environ)

    @cached_property
    def _connection(self) -> SshConnection:
        folder = control_folder(os.environ)
        return SshConnection(self.host, self.config, self._environment, folder=folder)

    def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 30
    ) -> CommandResult:
        """Run a command to its end."""
        return self._run(argv, stdin=stdin, timeout_s=timeout_s)

    def send(self, argv: Sequence[str], source: BinaryIO, *, timeout_s: float) -> CommandResult:
        """Run a command that reads a file of this side on its standard input."""
        return self._run(argv, stdin=source, timeout_s=timeout_s)

    def fetch(
        self,
        argv: Sequence[str],
        source: BinaryIO,
        target: BinaryIO,
        *,
        most: int,
        timeout_s: float,
    ) -> CommandResult:
        """Run a command whose output goes to a file of this side, left where it begins."""
        most += _HEAD_BYTES
        return self._run(argv, stdin=source, target=target, most=most, timeout_s=timeout_s)

    def _run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes | BinaryIO = b"",
        target: BinaryIO | None = None,
        most: int = OUTPUT_MAX,
    ) -> CommandResult:
        mark = remote_command.new_mark()
        line = remote_command.format_line(argv, mark=mark)
        if len(line) > remote_command.MAX_LINE_BYTES:
            raise UsageError(f"the arguments of `{argv[0]}` are too long to be sent by ssh")
        result = run_process(
            self._connection.words(line),
            Streams(stdin, target, output_max=most),
            environment=self._environment,
            timeout_s=timeout_s,
        )
        return self._without_marks(argv, result, mark=mark, target=target)

    def _without_marks(
        self, argv: Sequence[str], result: CommandResult, *, mark: str, target: BinaryIO | None
    ) -> CommandResult:
        start = remote_command.output_start(_head(result, target), mark=mark)
        end = remote_command.parse_end(result.stderr, mark=mark)
        if start is None or end is None:
            raise self._no_answer(argv, result, has_started=start is not None)
        if end.exit_code in (_NOT_FOUND, _NOT_EXECUTABLE):
            raise CommandMissingError(
                f"cannot run `{argv[0]}` at the site: {end.stderr.strip()}",
                help=(f"see what this finds: ssh {self.host} command -v {argv[0]}",),
            )
        if target is not None:
            target.seek(start)
        return CommandResult(end.exit_code, result.stdout[start:], end.stderr)

    def _no_answer(
        self, argv: Sequence[str], result: CommandResult, *, has_started: bool
    ) -> Exception:
        """Tell a connection that never was from one that was lost on the way."""
        said = result.stderr.strip().splitlines()
        if has_started:
            last = said[-1] if said and "hpcrun-" not in said[-1] else "it said nothing"
            return CommandTimeoutError(
                f"the connection to {self.host} was lost while `{argv[0]}` ran there: {last}",
                help=("try again once the site can be reached",),
            )
        if result.exit_code == _SSH_FAILED:
            return self._connection.explain(result.stderr)
        words = said[-1] if said else f"exit code {result.exit_code}"
        return CommandMissingError(
            f"the login shell at {self.host} runs no command: {words}",
            help=(f"check that this prints its argument: ssh {self.host} echo works",),
        )


def _head(result: CommandResult, target: BinaryIO | None) -> bytes:
    if target is None:
        return result.stdout
    target.seek(0)
    return target.read(_HEAD_BYTES)
