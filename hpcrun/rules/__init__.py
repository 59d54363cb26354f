"""What each rule says beyond its finding: help by role, places in the job file, pages."""

from hpcrun.rules.advice import add_help, advise
from hpcrun.rules.pages import find_rule, read_page

__all__ = ["add_help", "advise", "find_rule", "read_page"]
