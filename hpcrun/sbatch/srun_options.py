"""Options of srun → wishes of a job, and what has no place in it; does not count tasks."""

from hpcrun.sbatch.draft import Draft
from hpcrun.sbatch.launch import Launch
from hpcrun.sbatch.variables import exported, put_variable

_COUNTED = frozenset(
    ("nodes", "ntasks", "ntasks-per-node", "tasks-per-node", "cpus-per-task", "mpi")
)
_OF_HPCRUN = frozenset(
    (
        *("kill-on-bad-exit", "export", "export-env", "wait", "output", "error", "unbuffered"),
        *("label", "quiet", "verbose", "overlap", "exact", "job-name", "partition", "account"),
        *("qos", "time", "exclusive", "input", "propagate", "disable-status", "chdir"),
    )
)
"""hpcrun sets them itself, or they say again what stands on #SBATCH lines."""


def put_srun_options(draft: Draft, launch: Launch) -> None:
    """Put what the launcher is asked for besides the number of tasks."""
    for each in launch.found:
        draft.tell(each)
    mpi = launch.last("mpi")
    if launch.is_srun and mpi is not None and mpi.value:
        if mpi.value == "none":
            draft.note(mpi.shown, mpi.span, why="hpcrun chooses how ranks find each other")
        else:
            draft.put("mpi.launcher", "srun", launch.name.span)
            draft.put("mpi.pmi", mpi.value, mpi.span)
    elif not launch.is_srun:
        name = launch.name.text
        why = "hpcrun starts the ranks by srun, outside the container as here"
        draft.note(name, launch.name.span, why=why)
    _put_exports(draft, launch)
    for given in dict.fromkeys(launch.given):
        if given.name not in _COUNTED | _OF_HPCRUN:
            draft.lose(given.shown, given.span, why="a job cannot say it to srun")
    for word in launch.unread:
        draft.note(word.text, word.span, why=f"it is an option of `{launch.name.text}`")


def _put_exports(draft: Draft, launch: Launch) -> None:
    """Put variables that `--export` sets, over those of the script."""
    for name, value, span in exported(launch.last("export")):
        if value is not None:
            put_variable(draft, name, value, span)
