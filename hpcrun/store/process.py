"""Starts processes and waits for their end, the one place that does; knows no command's meaning."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO, NamedTuple

from hpcrun.errors import UnavailableError
from hpcrun.ports import CommandMissingError, CommandResult, CommandTimeoutError

OUTPUT_MAX = 256 << 20
"""Bytes taken of what a command says; more than any listing, less than memory."""
_LOOK_S = 0.5
"""How often a command that still runs is asked how much it has said."""


class Streams(NamedTuple):
    """What a process reads and where it writes; what goes to a file is empty in the result."""

    stdin: bytes | BinaryIO = b""
    stdout: BinaryIO | None = None
    stderr: BinaryIO | None = None
    output_max: int = OUTPUT_MAX
    """Bytes after which the command is ended: what runs elsewhere may say things without end."""


def run_process(
    argv: Sequence[str],
    streams: Streams,
    *,
    environment: Mapping[str, str],
    timeout_s: float,
) -> CommandResult:
    """Run a process to its end."""
    try:
        with _readable(streams.stdin) as stdin:
            # A session of its own, so that Ctrl-C ends hpcrun's wait and not an sbatch half way.
            process = subprocess.Popen(
                list(argv),
                stdin=stdin,
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
            said, complaints = _communicate(process, streams, argv[0], timeout_s=timeout_s)
        except BaseException:
            _kill_group(process)
            raise
    words = (complaints or b"").decode("utf-8", "replace")
    return CommandResult(process.returncode, said or b"", words)


@contextmanager
def _readable(stdin: bytes | BinaryIO) -> Iterator[int | BinaryIO]:
    """Give bytes as a file in memory, which a process may read as late as it likes.

    Into a pipe somebody would have to write on, and `communicate` does so in its first call only.
    """
    if not isinstance(stdin, bytes):
        yield stdin
        return
    with os.fdopen(os.memfd_create("stdin"), "wb") as file:
        file.write(stdin)
        file.seek(0)
        yield file.fileno()


def _communicate(
    process: "subprocess.Popen[bytes]", streams: Streams, name: str, *, timeout_s: float
) -> tuple[bytes | None, bytes | None]:
    """Wait for the end and return what the process said; raise where it takes or says too much."""
    ends = time.monotonic() + timeout_s
    while True:
        left_s = ends - time.monotonic()
        try:
            said, complaints = process.communicate(timeout=max(0.0, min(_LOOK_S, left_s)))
        except subprocess.TimeoutExpired as exc:
            if left_s <= _LOOK_S:
                raise CommandTimeoutError(
                    f"`{name}` did not answer within {timeout_s:g} seconds"
                ) from exc
            _check_size(streams, exc.output, name)
            continue  # It goes on where it stopped.
        _check_size(streams, said, name)
        return said, complaints


def _check_size(streams: Streams, said: bytes | None, name: str) -> None:
    file = streams.stdout
    n_bytes = len(said or b"") if file is None else os.fstat(file.fileno()).st_size
    if n_bytes > streams.output_max:
        raise UnavailableError(
            f"`{name}` said more than {streams.output_max} bytes",
            help=("see what it prints when you run it by hand",),
        )


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process; its pipes are closed, not read, as others (ssh's) may hold them open."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
