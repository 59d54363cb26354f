"""Use cases: a job file to begin with, plain or from an sbatch script; does not write files."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from hpcrun.model.diagnostic import Diagnostic
from hpcrun.rules import add_help
from hpcrun.sbatch import ScriptJob, format_job, read_job

_PLAIN = """\
version: 1
name: my-job
image: app.sif                   # beside this file; `apptainer pull app.sif docker://…` fetches one
command: [/usr/bin/app, --input, data.txt]   # what each task runs inside the container
resources:
  nodes: 1
  tasks: 4                       # MPI ranks, or copies of the program where it has no MPI
  cpus_per_task: 1
  # memory_per_node: 4 GiB
  walltime: 00:10:00
# mounts: [{host: /data/in, container: /data, mode: ro}]
# env: {OMP_NUM_THREADS: "1"}
# submit: {partition: …, account: …}
# `hpcrun help job` names every key; `hpcrun plan` says how this would run, and changes nothing.
"""


class NewJob(NamedTuple):
    """The text of a job file, and what is to be said about it."""

    text: str
    diagnostics: tuple[Diagnostic, ...] = ()


def new_job() -> NewJob:
    """Return a small job file to begin with."""
    return NewJob(_PLAIN)


def read_script(path: Path, environment: Mapping[str, str] | None = None) -> ScriptJob:
    """Read an sbatch script into a job; nothing of it is run.

    Args:
        environment: of who submits it; only names of folders are taken from it.
    """
    return read_job(path, environment)


def convert_script(
    path: Path, *, folder: Path, environment: Mapping[str, str] | None = None
) -> NewJob:
    """Return the job file that does what a script does, for a file in some folder."""
    script = read_script(path, environment)
    return NewJob(format_job(script, folder), add_help(script.found))
