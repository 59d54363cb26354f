"""Runs whose folder the site does not see: one folder here, one there; copies no other files.

The folder here is what people name and what says where the other one is; the job writes its records
into the one there. Runs that the site sees are left to `RunFolders`.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from hpcrun.errors import MissingInputError, UnavailableError, WriteError
from hpcrun.model.plan import Plan
from hpcrun.model.run import JobReport, Run, RunRecords, Staged, Submission
from hpcrun.store.run_files import RUN
from hpcrun.store.run_folders import RunFolders
from hpcrun.store.stage_guard import check_owner


class StagedRuns:
    """The runs of a site that is reached by ssh."""

    def __init__(self, here: RunFolders, there: RunFolders, apart: RunFolders) -> None:
        """Take what reads here, what reads where folders may be shared, and what is there alone."""
        self._here, self._there, self._apart = here, there, apart

    def new_run(self, plan: Plan, *, profile: Path, runs: Path) -> Run:
        """Give a run its name, token and place; nothing is written."""
        return self._here.new_run(plan, profile=profile, runs=runs)

    def is_under_way(self, run: Run) -> bool:
        """Whether the process that began to submit this run may still be at work."""
        return self._here.is_under_way(run)

    def write_run(self, run: Run, files: Mapping[str, str]) -> None:
        """Create the folder of a run with these files, all of it or nothing."""
        (self._there if run.staged is None else self._here).write_run(run, files)

    def remove_run(self, run: Run) -> None:
        """Remove the folders of a run that the scheduler refused."""
        if run.staged is not None:
            with suppress(WriteError):
                self._there.remove_run(run.model_copy(update={"folder": run.staged.folder}))
            self._here.remove_run(run)
            return
        self._there.remove_run(run)

    def write_submission(self, folder: Path, submission: Submission) -> Submission:
        """Record that the scheduler accepted the job; the first record stays and is returned."""
        staged = self._staged(folder)
        if staged is None:
            return self._there.write_submission(folder, submission)
        first = self._here.write_submission(folder, submission)
        with suppress(UnavailableError, WriteError):
            self._there.write_submission(staged.folder, first)
        return first

    def write_ended(self, folder: Path, report: JobReport) -> None:
        """Keep the scheduler's last word on a job; the first one stays."""
        staged = self._staged(folder)
        if staged is None:
            self._there.write_ended(folder, report)
            return
        self._here.write_ended(folder, report)
        with suppress(UnavailableError, WriteError):
            self._there.write_ended(staged.folder, report)

    def read_run(self, folder: Path) -> RunRecords:
        """Read all records of one run; the job's own are there until they have been fetched."""
        staged = self._staged(folder)
        if staged is None:
            return self._there.read_run(folder)
        records = self._here.read_run(folder)
        if records.final is not None:
            return records
        try:
            there = self._apart.read_run(staged.folder)
        except MissingInputError:
            return records
        return records.model_copy(update={"start": there.start, "final": there.final})

    def read_script(self, folder: Path) -> str:
        """Read the script of one run."""
        return (self._there if self._staged(folder) is None else self._here).read_script(folder)

    def read_runs(self, runs: Path) -> tuple[RunRecords, ...]:
        """Read the records of all runs in a folder, newest first."""
        return self._there.read_runs(runs)

    def read_output(self, path: Path, *, offset: int) -> bytes:
        """Read a piece of the output of a job from an offset on; nothing where there is no more."""
        staged = self._staged(path.parent.parent)
        if staged is None:
            return self._there.read_output(path, offset=offset)
        if path.is_file():
            # It has been fetched; at the site there is nothing of this name.
            return self._here.read_output(path, offset=offset)
        at_site = staged.folder / path.parent.name / path.name
        return self._apart.read_output(at_site, offset=offset)

    def _staged(self, folder: Path) -> Staged | None:
        """Return where the other folder of a run is; None where there is but one.

        What is here tells, as the person names a folder here; not where another user wrote it,
        who could have anything at the site read, overwritten or removed by it.
        """
        try:
            staged = self._here.read_run(folder).run.staged
        except MissingInputError:
            return None
        if staged is not None:
            check_owner((folder, folder / RUN))
        return staged
