"""Use case: find runs by what people call them, and list them; does not print."""

from collections.abc import Callable, Sequence
from pathlib import Path

from hpcrun.app.status import read_statuses
from hpcrun.app.submit import Outside
from hpcrun.errors import MissingInputError, UsageError
from hpcrun.model.run import Run, RunList, RunRecords, RunStatus
from hpcrun.ports import RunStore

_HELP = ("`hpcrun list` shows the runs of a folder; `--runs DIR` looks in another one",)


def find_run(name: str | None, *, runs: Path, store: RunStore) -> RunRecords:
    """Find one run: by name, a unique beginning of it, folder or job id; None is the newest."""
    if name is not None and "/" in name:
        return store.read_run(Path(name).absolute())
    known = store.read_runs(runs)
    if not known:
        raise MissingInputError(f"there are no runs in {runs}", help=_HELP)
    if name is None:
        return known[0]
    by_name = [r for r in known if r.run.name.startswith(name)]
    exact = [r for r in known if name in (r.run.name, r.job_id)]
    found = exact or by_name
    if not found:
        raise MissingInputError(f"there is no run `{name}` in {runs}", help=_HELP)
    if len(found) > 1:
        names = ", ".join(f"`{r.run.name}`" for r in found[:5])
        raise UsageError(f"`{name}` is the beginning of {len(found)} runs: {names}", help=_HELP)
    return found[0]


def list_runs(records: Sequence[RunRecords], outside_of: Callable[[Run], Outside]) -> RunList:
    """Find out what has become of runs, asking the scheduler of each of their sites once."""
    by_site: dict[tuple[str, Path], list[RunRecords]] = {}
    for record in records:
        by_site.setdefault((record.run.site, record.run.profile), []).append(record)
    statuses: dict[str, RunStatus] = {}
    for group in by_site.values():
        found = read_statuses(group, outside_of(group[0].run))
        statuses.update({status.run: status for status in found})
    return RunList(runs=tuple(statuses[record.run.name] for record in records))
