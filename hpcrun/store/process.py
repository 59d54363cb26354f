"""Starts processes and waits for their end, the one place that does; knows no command's meaning."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from hpcrun.ports import CommandMissingError, CommandResult, CommandTimeoutError


class Streams(NamedTuple):
    """What a process reads and where it writes; what goes to a file is empty in the result."""

    stdin: bytes | BinaryIO = b""
    stdout: BinaryIO | None = None
    stderr: BinaryIO | None = None


def run_process(
    argv: Sequence[str],
    streams: Streams,
    *,
    environment: Mapping[str, str],
    timeout_s: float,
) -> CommandResult:
    """Run a process to its end."""
    stdin = streams.stdin
    try:
        # A session of its own, so that Ctrl-C ends hpcrun's wait and not an sbatch half way.
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin,
            stdout=streams.stdout or subprocess.PIPE,
            stderr=streams.stderr or subprocess.PIPE,
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
            said, complaints = process.communicate(
                stdin if isinstance(stdin, bytes) else None, timeout=timeout_s
            )
        except subprocess.TimeoutExpired as exc:
            _kill_group(process)
            raise CommandTimeoutError(
                f"`{argv[0]}` did not answer within {timeout_s:g} seconds"
            ) from exc
        except BaseException:
            _kill_group(process)
            raise
    words = (complaints or b"").decode("utf-8", "replace")
    return CommandResult(process.returncode, said or b"", words)


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process; its pipes are closed, not read, as others (ssh's) may hold them open."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
