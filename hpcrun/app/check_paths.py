"""Use case: are the files that a planned job needs at the site; does not copy or submit.

What the planner cannot see, because it runs elsewhere, is asked there by one question before the
job is handed over, instead of failing in the queue.
"""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from hpcrun.errors import RefusedError
from hpcrun.loading import Positions
from hpcrun.model.base import is_known
from hpcrun.model.diagnostic import Diagnostic
from hpcrun.model.job import Job
from hpcrun.model.plan import Plan
from hpcrun.model.site import Site
from hpcrun.planner import diagnose
from hpcrun.ports import SiteFiles
from hpcrun.rules import advise


class JobFile(NamedTuple):
    """A job, and where its values stand in its file."""

    job: Job
    positions: Positions | None = None


def check_paths(
    plan: Plan,
    site: Site,
    files: SiteFiles,
    *,
    sent: Collection[Path] = (),
    written: JobFile | None = None,
) -> None:
    """Refuse a job whose folders or image are not at the site; only where that tells something.

    Relative paths go along with the run. What the nodes do not share with the login node may be
    on them alone, and what a job allows is its own concern.
    """
    shared = site.filesystems.shared
    if site.access.is_local or not is_known(shared):
        return
    hosts = dict.fromkeys((plan.workdir, *(mount.host for mount in plan.mounts)))
    asked = [
        path
        for path in (*hosts, plan.image.path)
        if path.is_absolute()
        and path not in sent
        and any(path.is_relative_to(folder) for folder in shared)
    ]
    missing = files.find_missing(asked)
    allowed = {allow.rule for allow in written.job.allow} if written else set()
    found = [d for d in _diagnose(missing, plan, site) if d.code not in allowed]
    if not found:
        return
    if written is not None:
        bare = plan.model_copy(update={"diagnostics": tuple(found)})
        advised = advise(bare, job=written.job, site=site, positions=written.positions)
        found = list(advised.diagnostics)
    raise RefusedError(
        f"`{plan.job}` would not start: files that it needs are not at the site", diagnostics=found
    )


def _diagnose(missing: Iterable[Path], plan: Plan, site: Site) -> Iterator[Diagnostic]:
    for path in missing:
        found = (f"looked for `{path}` on the login node of site `{site.name}`",)
        if path == plan.image.path:
            yield diagnose("HPR508", f"the image `{path}` is not at the site", found=found)
        else:
            yield diagnose("HPR502", f"there is no `{path}` at the site", found=found)
