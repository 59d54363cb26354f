"""Job files and site profiles: YAML → values, each with its place; does not look for files."""

from hpcrun.loading.job_file import load_job, load_job_with_positions
from hpcrun.loading.positions import Positions
from hpcrun.loading.site_file import (
    Profile,
    load_profile,
    load_site,
    load_site_with_positions,
)

__all__ = [
    "Positions",
    "Profile",
    "load_job",
    "load_job_with_positions",
    "load_profile",
    "load_site",
    "load_site_with_positions",
]
