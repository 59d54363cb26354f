"""Use case: follow a run to its end; does not print."""

from collections.abc import Callable

from hpcrun.app.status import read_status
from hpcrun.app.submit import Outside
from hpcrun.errors import UnavailableError, WaitTimeoutError
from hpcrun.model.run import RunRecords, RunStatus

FIRST_PAUSE_S, LONGEST_PAUSE_S, GROWTH = 0.5, 5.0, 1.3
PATIENCE_S = 600.0
"""How long Slurm may stay silent before the wait is given up; a controller restarts in minutes."""


def wait_for_run(
    records: RunRecords,
    outside: Outside,
    *,
    timeout_s: float | None = None,
    on_status: Callable[[RunStatus], None] = lambda _status: None,
    on_silence: Callable[[UnavailableError], None] = lambda _error: None,
) -> RunStatus:
    """Ask for the state of a run until it is final.

    Raises WaitTimeoutError when that takes longer than timeout_s; the job goes on.
    """
    clock, folder = outside.clock, records.run.folder
    started = answered = clock.monotonic()
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            status = read_status(outside.store.read_run(folder), outside)
            answered = clock.monotonic()
            on_status(status)
            if status.is_final:
                return status
        except UnavailableError as exc:
            if clock.monotonic() - answered > PATIENCE_S:
                raise
            on_silence(exc)
        left_s = None if timeout_s is None else started + timeout_s - clock.monotonic()
        if left_s is not None and left_s <= 0:
            raise WaitTimeoutError(
                f"run `{records.run.name}` has not ended after {timeout_s:g} seconds",
                help=(f"the job goes on; follow it with `hpcrun status {records.run.folder}`",),
            )
        clock.sleep(pause_s if left_s is None else min(pause_s, left_s))
        pause_s = min(pause_s * GROWTH, LONGEST_PAUSE_S)
