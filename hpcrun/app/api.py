"""The Python API: every use case under one roof, typed and public; adds nothing to them.

    from hpcrun.app.api import find_site, load_job, open_place, plan, render

    job = load_job("job.yaml")
    decided = plan(job, find_site("sandbox", environment=os.environ))
    if not decided.is_refused:
        print(render(decided, place=open_place(decided)))

The use cases about runs take the ports that reach a site as `Outside`; `hpcrun.cli.wire.outside_of`
makes the real ones. The modules of hpcrun.app are not imported here by the command line, which
loads only what a command needs.
"""

from hpcrun.app.cancel import cancel_run as cancel
from hpcrun.app.check import Means, check
from hpcrun.app.check_paths import JobFile, check_paths
from hpcrun.app.explain import Explanation, explain
from hpcrun.app.fetch import fetch_run as fetch
from hpcrun.app.inspect import inspect, inspect_host
from hpcrun.app.list_runs import find_run, list_runs
from hpcrun.app.logs import read_logs as logs
from hpcrun.app.new_job import NewJob, convert_script, new_job, read_script
from hpcrun.app.passports import load_passport, read_passports, read_stacks
from hpcrun.app.plan import plan
from hpcrun.app.sites import diff_sites, list_sites, open_profile
from hpcrun.app.status import read_status as status
from hpcrun.app.status import read_statuses as statuses
from hpcrun.app.submit import Outside, Planned
from hpcrun.app.submit import submit_run as submit
from hpcrun.app.validate_site import validate_site
from hpcrun.app.wait import wait_for_run as wait
from hpcrun.app.why_not import why_not
from hpcrun.loading import load_job, load_job_with_positions, load_site
from hpcrun.render import open_place
from hpcrun.render import render_script as render
from hpcrun.site import find_site

__all__ = [
    "Explanation",
    "JobFile",
    "Means",
    "NewJob",
    "Outside",
    "Planned",
    "cancel",
    "check",
    "check_paths",
    "convert_script",
    "diff_sites",
    "explain",
    "fetch",
    "find_run",
    "find_site",
    "inspect",
    "inspect_host",
    "list_runs",
    "list_sites",
    "load_job",
    "load_job_with_positions",
    "load_passport",
    "load_site",
    "logs",
    "new_job",
    "open_place",
    "open_profile",
    "plan",
    "read_passports",
    "read_script",
    "read_stacks",
    "render",
    "status",
    "statuses",
    "submit",
    "validate_site",
    "wait",
    "why_not",
]
