"""`hpcrun sandbox`: a real Slurm cluster in a folder; the work is done in hpcrun.sandbox."""

import json
import os
import sys
import time
from collections.abc import Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hpcrun.sandbox.places import DEFAULT_NAME

if TYPE_CHECKING:
    from hpcrun.model.site import Site

FAULTS = ("kill", "cut", "throttle", "slow", "fill-disk", "pause")

_name_option = click.option(
    "--name", default=DEFAULT_NAME, show_default=True, help="Which sandbox; its site has this name."
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
_REST = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@click.group("sandbox")
def group() -> None:
    """Run a real Slurm cluster in a folder, without root."""


@group.command("up")
@_name_option
@click.option(
    "--nodes", "n_nodes", type=int, help="Number of compute nodes, with --like of each class (2)."
)
@click.option(
    "--share",
    type=click.Path(path_type=Path),
    help="Folder that is seen at the same path on every node (a folder of the sandbox).",
)
@click.option(
    "--emulation",
    metavar="all|none|NODES",
    help="Nodes that run images for another processor (all that can).",
)
@click.option(
    "--register-emulation",
    is_flag=True,
    help="Let root put the emulator into the machine's own list, for Linux before 6.7.",
)
@click.option("--accounting", is_flag=True, help="Keep records of jobs: slurmdbd and MariaDB.")
@click.option(
    "--cgroup",
    is_flag=True,
    help="Let Slurm limit jobs by control groups (root, or a systemd session of yours).",
)
@click.option("--mpi-default", metavar="TYPE", help="Slurm's MpiDefault (none).")
@click.option("--like", metavar="PROFILE", help="Have the shape of this site: name or file.")
@click.option("--short-timeouts", is_flag=True, help="Let Slurm see faults within seconds.")
@click.option("--slurm", metavar="VERSION", help="20.11, 22.05, 24.11 or 26.05 (24.11).")
@click.option("--ssh", is_flag=True, help="Reach it by ssh too, as site NAME-ssh.")
@_json_option
def up_command(name: str, as_json: bool, like: str | None, **wanted: Any) -> None:
    """Start the sandbox, unless it runs already; the first time it is made."""
    from hpcrun.sandbox.look import status
    from hpcrun.sandbox.start import up
    from hpcrun.sandbox.wanted import Wanted

    was_running = status(name).is_running
    progress = _Lines()
    state = up(name, Wanted.of(**wanted, like=_load_like(like)), progress=progress)
    progress.end()
    if as_json:
        _print_json(status(name).to_json())
        return
    how = "already runs" if was_running else "runs"
    click.echo(
        f"sandbox `{name}` {how}: Slurm {state.slurm}, login node and {len(state.nodes)} nodes"
    )
    click.echo(f"shared folder: {state.share}")
    log_in = "hpcrun sandbox shell" + ("" if name == DEFAULT_NAME else f" --name {name}")
    click.echo(f"use it: hpcrun submit JOB --site {name}, or log in: {log_in}")
    if state.notes:
        which = "" if name == DEFAULT_NAME else f" --name {name}"
        click.echo(
            f"note: it differs from the site in {_count_things(state.notes)}; "
            f"list: hpcrun sandbox status --verbose{which}",
            err=True,
        )


@group.command("status")
@_name_option
@click.option("--verbose", is_flag=True, help="List what is otherwise than at the site of --like.")
@_json_option
def status_command(name: str, verbose: bool, as_json: bool) -> None:
    """Say whether the sandbox runs, and how its nodes fare."""
    from hpcrun.sandbox.look import status

    seen = status(name)
    if as_json:
        _print_json(seen.to_json())
        return
    if not seen.is_running:
        click.echo(f"sandbox `{name}` is not running")
        return
    click.echo(f"sandbox `{name}` runs Slurm {seen.slurm} (process {seen.pid})")
    for node in seen.nodes:
        click.echo(f"  {node.name:8} {node.state}")
    if seen.like:
        hint = "" if verbose else " (list: --verbose)"
        click.echo(f"shape of:      {seen.like}, but for {_count_things(seen.notes)}{hint}")
    for note in seen.notes if verbose else ():
        click.echo(f"  {note}")
    click.echo(f"shared folder: {seen.share}")
    click.echo(f"site profile:  {seen.profile}")
    for warning in seen.warnings:
        click.echo(f"warning: {warning}")


@group.command("exec", context_settings=_REST)
@_name_option
@click.option("--node", default="login", show_default=True, help="On which node.")
@click.option("--user", type=click.Choice(["job", "root"]), default="job", show_default=True)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
def exec_command(name: str, node: str, user: str, command: tuple[str, ...]) -> None:
    """Run a command inside, as the job's user; its exit code is this command's."""
    _run(name, node, user, command)


@group.command("shell")
@_name_option
@click.option("--node", default="login", show_default=True, help="On which node.")
@click.option("--user", type=click.Choice(["job", "root"]), default="job", show_default=True)
def shell_command(name: str, node: str, user: str) -> None:
    """Log in."""
    _run(name, node, user, ("bash", "--login"))


@group.command("logs")
@_name_option
@click.option("--node", help="Of this node only.")
@click.option("-n", "--lines", type=int, default=20, show_default=True, help="Last lines of each.")
@_json_option
def logs_command(name: str, node: str | None, lines: int, as_json: bool) -> None:
    """Show what the nodes and their Slurm services have written."""
    from hpcrun.report.terminal import escape
    from hpcrun.sandbox.logs import read_logs

    logs = read_logs(name, node=node, n_lines=lines)
    if as_json:
        found = [{"file": str(log.file), "lines": log.lines} for log in logs]
        _print_json({"version": 1, "name": name, "logs": found})
        return
    for log in logs:
        click.echo(f"==> {log.file} <==")
        for line in log.lines:
            # Slurm logs names that the jobs' user chose.
            click.echo(escape(line.expandtabs()))


@group.command("fault")
@_name_option
@click.argument("node")
@click.argument("kind", type=click.Choice([*FAULTS, "heal"]))
@click.argument("rate", required=False)
def fault_command(name: str, node: str, kind: str, rate: str | None) -> None:
    """Break a node: kill, cut, throttle RATE, slow, fill-disk or pause it, or heal it again."""
    from hpcrun.sandbox import faults

    if kind == "heal":
        if rate is not None:
            raise click.UsageError("`heal` takes no rate")
        faults.heal_node(name, node)
        click.echo(f"node `{node}` is sound again")
        return
    faults.break_node(name, node, kind, rate=rate)
    click.echo(f"done; undo it: hpcrun sandbox fault --name {name} {node} heal")


@group.command("restart")
@_name_option
@click.argument("service", type=click.Choice(["slurmctld"]))
def restart_command(name: str, service: str) -> None:
    """Let Slurm's controller end and start again."""
    from hpcrun.sandbox import faults

    faults.restart_controller(name)
    click.echo(f"{service} runs again")


@group.command("down")
@_name_option
@_json_option
def down_command(name: str, as_json: bool) -> None:
    """End the sandbox; its files stay."""
    from hpcrun.sandbox.end import down

    ended = down(name)
    if as_json:
        _print_json({"version": 1, "name": name, "was_running": ended})
        return
    click.echo(f"sandbox `{name}` {'is ended' if ended else 'was not running'}")


@group.command("purge")
@_name_option
@click.option("--all", "is_all", is_flag=True, help="All sandboxes, and what they share.")
@_json_option
def purge_command(name: str, is_all: bool, as_json: bool) -> None:
    """End the sandbox and remove its files, the shared folder's too."""
    from hpcrun.sandbox.end import purge

    purge(name, is_all=is_all)
    if as_json:
        _print_json({"version": 1, "name": None if is_all else name, "all": is_all})
        return
    click.echo("all sandboxes are removed" if is_all else f"sandbox `{name}` is removed")


def _load_like(profile: str | None) -> "Site | None":
    if profile is None:
        return None
    from hpcrun.report.diagnostics import format_diagnostics
    from hpcrun.site import identify_site

    found = identify_site(profile, environment=os.environ)
    if found.warnings:
        click.echo(f"{format_diagnostics(found.warnings, colour=False)}\n", err=True)
    return found.site


def _count_things(notes: Sized) -> str:
    return "1 thing" if len(notes) == 1 else f"{len(notes)} things"


def _print_json(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value, indent=2))


def _run(name: str, node: str, user: str, command: tuple[str, ...]) -> None:
    from hpcrun.sandbox import enter
    from hpcrun.sandbox.places import places

    state = enter.find_running(places(name))
    terminal = {"TERM": os.environ["TERM"]} if "TERM" in os.environ else {}
    inside = enter.InsideCommand(
        argv=command,
        node=node,
        as_root=user == "root",
        here=enter.find_here(),
        environment=terminal,
    )
    enter.leave(enter.run_inside(state, inside))


class _Lines:
    """Progress on stderr: one line per step; on a terminal its seconds count up."""

    _STILL_S = 30.0

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._said = self._began
        self._text = ""
        self._is_terminal = sys.stderr.isatty()

    def step(self, text: str) -> None:
        """Show a new step."""
        if self._is_terminal and self._text:
            click.echo(err=True)
        self._text = text
        self._show()

    def tick(self) -> None:
        """Show that the step goes on."""
        if self._text and (self._is_terminal or time.monotonic() - self._said >= self._STILL_S):
            self._show()

    def warn(self, text: str) -> None:
        """Show a warning."""
        click.echo(f"warning: {text}", err=True)

    def end(self) -> None:
        """Finish the last line."""
        if self._is_terminal and self._text:
            click.echo(err=True)

    def _show(self) -> None:
        self._said = time.monotonic()
        line = f"[{self._said - self._began:4.0f} s] {self._text}"
        click.echo(f"\r{line}" if self._is_terminal else line, err=True, nl=not self._is_terminal)
