"""What each rule says beyond its finding: help by role, places in the job file, pages."""

from hpcrun.rules.advice import advise
from hpcrun.rules.pages import read_page

__all__ = ["advise", "read_page"]
