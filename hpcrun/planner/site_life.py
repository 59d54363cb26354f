"""Is what a profile says still so: its age, and the site's own end; does not look at a clock."""

from collections.abc import Iterator
from datetime import date

from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.model.site import Site
from hpcrun.planner.diagnose import diagnose

STALE_DAYS = 365
"""Sites change their software once or twice a year: LUMI's operating system, Slurm, libcxi and ROCm
all moved in January 2026; LUMI's and Polaris' own pages lagged behind (facts of 2026)."""

ENDING_DAYS = 60


def check_life(site: Site, today: date) -> Iterator[Diagnostic]:
    """Report a site that has ended or soon will, and a profile that nobody looked at for long."""
    ends, begins = site.life.ends, site.life.begins
    if ends is not None and ends < today:
        yield _ended(site, f"site `{site.name}` ended on {ends}", Severity.ERROR)
    elif ends is not None and (ends - today).days <= ENDING_DAYS:
        days = (ends - today).days
        left = "today" if not days else "tomorrow" if days == 1 else f"in {days} days"
        yield _ended(site, f"site `{site.name}` ends {left}", Severity.WARNING)
    if begins is not None and begins > today:
        yield _ended(site, f"site `{site.name}` begins on {begins}", Severity.ERROR)
    if site.as_of is not None and (today - site.as_of).days > STALE_DAYS:
        message = f"the profile of `{site.name}` is {(today - site.as_of).days // 30} months old"
        yield diagnose(
            "HPR104", message, found=(f"`as_of` of profile `{site.name}`: {site.as_of}",)
        )


def _ended(site: Site, message: str, severity: Severity) -> Diagnostic:
    found = (f"`life` of profile `{site.name}`", site.life.note or "")
    return diagnose("HPR112", message, found=found, severity=severity)
