"""Processes are waited for, and ended where they say too much or take too long."""

import tempfile
import time

import pytest

from hpcrun.errors import UnavailableError
from hpcrun.ports import CommandTimeoutError
from hpcrun.store import process
from hpcrun.store.process import Streams, run_process

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
USUAL = Streams()


def run(script: str, streams: Streams = USUAL, timeout_s: float = 60) -> tuple[int, bytes, str]:
    result = run_process(
        ("sh", "-c", script), streams, environment=ENVIRONMENT, timeout_s=timeout_s
    )
    return result.exit_code, result.stdout, result.stderr


def test_slow_process_gets_its_input_once_and_loses_no_output(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "_LOOK_S", 0.05)
    script = "echo early; sleep 0.3; cat; echo late; echo oh >&2; exit 3"
    assert run(script, Streams(b"given\n")) == (3, b"early\ngiven\nlate\n", "oh\n")


def test_output_without_end_is_not_kept_in_memory() -> None:
    with pytest.raises(UnavailableError, match="said more than 1000 bytes"):
        run("yes; sleep 60", Streams(output_max=1000))


def test_output_without_end_does_not_fill_the_disk() -> None:
    with (
        tempfile.TemporaryFile() as target,
        pytest.raises(UnavailableError, match="said more than"),
    ):
        run("head -c 5000 /dev/zero; sleep 60", Streams(stdout=target, output_max=1000))


def test_answer_that_is_too_long_is_refused_also_where_it_came_at_once() -> None:
    with pytest.raises(UnavailableError, match="said more than"):
        run("head -c 5000 /dev/zero", Streams(output_max=1000))


def test_process_that_takes_too_long_is_ended() -> None:
    start = time.monotonic()
    with pytest.raises(CommandTimeoutError, match="did not answer"):
        run("sleep 60", timeout_s=0.2)
    assert time.monotonic() - start < 30


def test_process_that_closed_its_output_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_LOOK_S", 0.05)
    assert run("echo said; exec >&- 2>&-; sleep 0.3; exit 3") == (3, b"said\n", "")
