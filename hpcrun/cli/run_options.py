"""Options that the commands about runs share; does not act on them."""

from pathlib import Path

import click

run_argument = click.argument("run", required=False)
"""A run: its name, a unique beginning of it, its folder or its job id; without it, the newest."""

runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path),
    help="Folder of runs (HPCRUN_RUNS, else .hpcrun/runs beside the job file or up from here).",
)
site_option = click.option("--site", help="Name of the site, or path of its profile.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
