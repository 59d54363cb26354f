"""Candidates, their choice, and everything the script will carry out; does not render it."""

from hpcrun.planner.choose import SENSELESS, is_wished
from hpcrun.planner.diagnose import UNKNOWN_NOTE, diagnose, mark_allowed
from hpcrun.planner.plan_job import plan_job

__all__ = ["SENSELESS", "UNKNOWN_NOTE", "diagnose", "is_wished", "mark_allowed", "plan_job"]
