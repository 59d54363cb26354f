"""Picks the real adapters for a site; the one place that does. Does not print."""

import os
import shlex
from pathlib import Path

from hpcrun.app.submit import Outside
from hpcrun.cli.wire_cache import facts_cache
from hpcrun.errors import UsageError
from hpcrun.model.run import Run, RunRecords
from hpcrun.model.site import Site, SshAccess
from hpcrun.ports import Clock, CommandRunner, RunStore

_RUNS = Path(".hpcrun") / "runs"


def outside_of(site: Site) -> Outside:
    """Return what reaches a site: run folders, scheduler, clock, files."""
    from hpcrun.store.run_folders import RunFolders
    from hpcrun.store.system_clock import SystemClock

    if site.scheduler.kind != "slurm":
        raise UsageError(
            f"site `{site.name}` has the scheduler `{site.scheduler.kind}`; hpcrun submits to Slurm"
        )
    if site.access.ssh is not None:
        return _outside_by_ssh(site, site.access.ssh)
    runner, clock = _runner_of(site), SystemClock()
    return _outside(site, runner, clock, store=RunFolders(runner, clock))


def _outside(site: Site, runner: CommandRunner, clock: Clock, *, store: RunStore) -> Outside:
    from hpcrun.scheduler.slurm import Slurm
    from hpcrun.store.site_files import SiteFiles

    has_accounting = site.scheduler.accounting is True
    scheduler = Slurm(runner, clock, has_accounting=has_accounting)
    return Outside(store=store, scheduler=scheduler, clock=clock, files=SiteFiles(runner))


def _outside_by_ssh(site: Site, access: SshAccess) -> Outside:
    from hpcrun.store.command_runner import LocalRunner
    from hpcrun.store.run_folders import RunFolders
    from hpcrun.store.ssh_runner import SshRunner
    from hpcrun.store.staged_runs import StagedRuns
    from hpcrun.store.staging import SshStaging
    from hpcrun.store.system_clock import SystemClock

    runner, clock = SshRunner(access.host, access.config), SystemClock()
    store = StagedRuns(
        RunFolders(LocalRunner(), clock),
        RunFolders(runner, clock),
        RunFolders(runner, clock, may_be_here=False),
    )
    outside = _outside(site, runner, clock, store=store)
    return outside._replace(staging=SshStaging(runner, access, site, clock))


def outside_of_run(run: Run, site_option: str | None) -> Outside:
    """Return what reaches the site of a run: as asked for, by its profile, or by its name."""
    from hpcrun.site import find_site

    if site_option is not None:
        return outside_of(find_site(site_option, environment=os.environ, memory=facts_cache()))
    profile = str(run.profile) if run.profile.is_file() else run.site
    site = find_site(profile, environment=os.environ, memory=facts_cache())
    return outside_of_choice(site, by=f"run `{run.name}`")


def outside_of_choice(site: Site, *, by: str) -> Outside:
    """Return what reaches a site that a file chose, and not the person who calls."""
    from hpcrun.site.folders import profile_folders
    from hpcrun.site.trust import check_choice

    check_choice(site, profile_folders(os.environ), by=by)
    return outside_of(site)


def find_records(
    name: str | None, *, runs_option: Path | None, site_option: str | None
) -> tuple[RunRecords, Outside]:
    """Find a run as people name it, and what reaches its site."""
    from hpcrun.app.list_runs import find_run

    runs = runs_folder(runs_option)
    records = find_run(name, runs=runs, store=reading_store(site_option))
    return records, outside_of_run(records.run, site_option)


def reading_store(site_option: str | None) -> RunStore:
    """Return a store that reads runs: at a site where one is named, else here."""
    from hpcrun.site import find_site
    from hpcrun.store.command_runner import LocalRunner
    from hpcrun.store.run_folders import RunFolders
    from hpcrun.store.system_clock import SystemClock

    if site_option is not None:
        site = find_site(site_option, environment=os.environ, memory=facts_cache())
        return outside_of(site).store
    return RunFolders(LocalRunner(), SystemClock())


def runs_folder(option: Path | None, *, job_file: Path | None = None) -> Path:
    """Return the folder of runs: as asked for, beside the job file, or the nearest one up here."""
    chosen = option or os.environ.get("HPCRUN_RUNS")
    if chosen:
        return Path(chosen).absolute()
    if job_file is not None:
        return job_file.absolute().parent / _RUNS
    here = Path.cwd()
    found = (folder / _RUNS for folder in (here, *here.parents))
    return next((runs for runs in found if runs.is_dir()), here / _RUNS)


def handle_of(folder: Path) -> str:
    """Return the shortest word that names a run from here: its name, else its folder."""
    return folder.name if runs_folder(None) == folder.parent else shlex.quote(str(folder))


def _runner_of(site: Site) -> CommandRunner:
    from hpcrun.store.command_runner import LocalRunner, PrefixRunner

    if not site.access.is_stated:
        raise UsageError(
            f"the profile of site `{site.name}` does not say how to reach it",
            help=("set `access` in the profile, or extend it by one that does",),
        )
    if site.access.is_elsewhere:
        raise UsageError(
            f"this is not `{site.name}`: nothing fits that its profile's `which` asks for",
            help=(
                "run hpcrun on a login node of the site",
                "or extend the profile by one with `access: {ssh: HOST}`",
            ),
        )
    if site.access.prefix is not None:
        return PrefixRunner(site.access.prefix)
    return LocalRunner()
