"""Submits an ordinary plan from a folder by the real adapters, in a process that may be killed."""

import json
import sys
from pathlib import Path

from hpcrun.app.submit import Outside, Planned, submit_run
from hpcrun.errors import HpcrunError
from hpcrun.model.plan import Plan
from hpcrun.model.run import SubmitResult
from hpcrun.scheduler.slurm import Slurm
from hpcrun.store.command_runner import LocalRunner
from hpcrun.store.run_folders import RunFolders
from hpcrun.store.system_clock import SystemClock


def make_outside() -> Outside:
    """Return the real adapters for right here."""
    runner, clock = LocalRunner(), SystemClock()
    return Outside(
        store=RunFolders(runner, clock),
        scheduler=Slurm(runner, clock, has_accounting=False),
        clock=clock,
    )


def submit_from(folder: Path) -> SubmitResult:
    """Submit the plan that lies in a folder."""
    plan = Plan.model_validate_json((folder / "plan.json").read_text())
    planned = Planned(
        plan, job_file=folder / "job.yaml", profile=folder / "site.yaml", passports={}
    )
    return submit_run(planned, runs=folder / "runs", outside=make_outside())


if __name__ == "__main__":
    try:
        sys.stdout.write(submit_from(Path(sys.argv[1])).model_dump_json())
    except HpcrunError as error:
        sys.stdout.write(json.dumps({"error": error.message}))
        sys.exit(error.exit_code)
