"""Existing sbatch scripts: read into jobs, with what they do that a job does not; runs none."""

from hpcrun.sbatch.job import ScriptJob, read_job
from hpcrun.sbatch.rules import check_script, check_script_at
from hpcrun.sbatch.write import format_job

__all__ = ["ScriptJob", "check_script", "check_script_at", "format_job", "read_job"]
