"""Submits an ordinary plan from a folder by the real adapters, in a process that may be killed.

With `--wait` it follows the run as `hpcrun submit --wait` does.
"""

import json
import sys
from pathlib import Path

from hpcrun.app.status import exit_code_of
from hpcrun.app.submit import Outside, Planned, submit_run
from hpcrun.cli.follow import INTERRUPTED, follow_run
from hpcrun.errors import HpcrunError
from hpcrun.model.plan import Plan
from hpcrun.model.run import SubmitResult
from hpcrun.model.site import Site
from hpcrun.scheduler.slurm import Slurm
from hpcrun.store.command_runner import LocalRunner
from hpcrun.store.run_folders import RunFolders
from hpcrun.store.site_files import SiteFiles
from hpcrun.store.system_clock import SystemClock


def make_outside() -> Outside:
    """Return the real adapters for right here."""
    runner, clock = LocalRunner(), SystemClock()
    return Outside(
        store=RunFolders(runner, clock),
        scheduler=Slurm(runner, clock, has_accounting=False),
        clock=clock,
        files=SiteFiles(runner),
    )


def submit_from(folder: Path) -> SubmitResult:
    """Submit the plan that lies in a folder."""
    plan = Plan.model_validate_json((folder / "plan.json").read_text())
    site = Site(version=1, name="fjord", file=folder / "site.yaml")
    planned = Planned(plan, job_text="version: 1\n", site=site, passports={})
    return submit_run(planned, runs=folder / "runs", outside=make_outside())


def wait_for(result: SubmitResult) -> int:
    """Follow a run; the exit code."""
    outside = make_outside()
    status = follow_run(outside.store.read_run(result.folder), outside, timeout_s=None)
    return INTERRUPTED if status is None else exit_code_of(status)


if __name__ == "__main__":
    try:
        submitted = submit_from(Path(sys.argv[1]))
        sys.stdout.write(submitted.model_dump_json())
        if "--wait" in sys.argv:
            sys.exit(wait_for(submitted))
    except HpcrunError as error:
        sys.stdout.write(json.dumps({"error": error.message}))
        sys.exit(error.exit_code)
