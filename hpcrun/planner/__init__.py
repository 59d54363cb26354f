"""Candidates, their choice, and everything the script will carry out; does not render it."""

from hpcrun.planner.plan_job import plan_job

__all__ = ["plan_job"]
