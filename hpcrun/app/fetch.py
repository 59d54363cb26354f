"""Use case: bring back what a run's job has left at a site that sees no file of this side."""

from hpcrun.app.status import read_status
from hpcrun.app.submit import Outside
from hpcrun.errors import UsageError
from hpcrun.model.run import RunRecords
from hpcrun.model.staging import FetchResult


def fetch_run(records: RunRecords, outside: Outside) -> FetchResult:
    """Bring back what a job that has ended has changed or created in its working folder.

    What changed here meanwhile stays as it is; the job's version is put beside it. Fetching again
    does no harm.
    """
    run = records.run
    if run.staged is None or outside.staging is None:
        raise UsageError(
            f"run `{run.name}` has nothing to fetch: its site sees the files that you see",
            help=(f"they are where the job wrote them; its output is in {run.folder / 'logs'}",),
        )
    status = read_status(records, outside)
    if not status.is_final:
        raise UsageError(
            f"the job of run `{run.name}` has not ended, so its files may still change",
            help=("its output so far: `hpcrun logs`; fetch once it has ended",),
        )
    return outside.staging.fetch(run)
