"""The Python API: every use case under one roof, typed and public; adds nothing to them.

    from hpcrun.app.api import find_site, load_job, plan

    job = load_job("job.yaml")
    decided = plan(job, find_site("sandbox", environment=os.environ))
    if not decided.is_refused:
        print(render_script(decided, place=open_place(decided)))

The use cases about runs take the ports that reach a site as `Outside`; `hpcrun.cli.wire.outside_of`
makes the real ones. The modules of hpcrun.app are not imported here by the command line, which
loads only what a command needs.
"""

from hpcrun.app.cancel import cancel_run
from hpcrun.app.explain import Explanation, explain
from hpcrun.app.inspect import inspect, inspect_host
from hpcrun.app.list_runs import find_run, list_runs
from hpcrun.app.logs import read_logs
from hpcrun.app.passports import load_passport, read_passports, read_stacks
from hpcrun.app.plan import plan
from hpcrun.app.status import read_status, read_statuses
from hpcrun.app.submit import Outside, Planned, submit_run
from hpcrun.app.wait import wait_for_run
from hpcrun.loading import load_job, load_job_with_positions, load_site
from hpcrun.render import open_place, render_script
from hpcrun.site import find_site

__all__ = [
    "Explanation",
    "Outside",
    "Planned",
    "cancel_run",
    "explain",
    "find_run",
    "find_site",
    "inspect",
    "inspect_host",
    "list_runs",
    "load_job",
    "load_job_with_positions",
    "load_passport",
    "load_site",
    "open_place",
    "plan",
    "read_logs",
    "read_passports",
    "read_stacks",
    "read_status",
    "read_statuses",
    "render_script",
    "submit_run",
    "wait_for_run",
]
