"""Use case: the output of a run's job, at once or as it grows; does not print."""

from collections.abc import Iterator

from hpcrun.app.status import read_status
from hpcrun.app.submit import Outside
from hpcrun.errors import MissingInputError
from hpcrun.model.run import Run, RunRecords

PAUSE_S = 1.0


def read_logs(records: RunRecords, outside: Outside, *, follow: bool = False) -> Iterator[bytes]:
    """Give the output of the job piece by piece; follow gives what is added until the job ends."""
    run = records.run
    if records.job_id is None:
        raise MissingInputError(f"run `{run.name}` was never submitted, so it has no output")
    output, offset, is_last = run.output_of(records.job_id), 0, not follow
    while True:
        # First the state, then the output: what is written before the end is not missed.
        is_last = is_last or _has_ended(run, outside)
        while piece := outside.store.read_output(output, offset=offset):
            yield piece
            offset += len(piece)
        if is_last:
            return
        outside.clock.sleep(PAUSE_S)


def _has_ended(run: Run, outside: Outside) -> bool:
    return read_status(outside.store.read_run(run.folder), outside).is_final
