"""Use case: cancel a run's job; does not print."""

from hpcrun.app.status import read_status
from hpcrun.app.submit import Outside
from hpcrun.app.wait import wait_for_run
from hpcrun.errors import MissingInputError, WaitTimeoutError
from hpcrun.model.run import RunRecords, RunStatus

SETTLE_S = 5.0
"""Slurm takes a moment to end a job; its last word is worth that, as it is then kept."""


def cancel_run(records: RunRecords, outside: Outside) -> RunStatus:
    """Cancel the job of a run; one that has ended stays as it is."""
    status = read_status(records, outside)
    if status.is_final:
        return status
    if status.job_id is None:
        raise MissingInputError(f"run `{records.run.name}` has no job yet")
    outside.scheduler.cancel(status.job_id)
    try:
        return wait_for_run(records, outside, timeout_s=SETTLE_S)
    except WaitTimeoutError:
        return read_status(outside.store.read_run(records.run.folder), outside)
