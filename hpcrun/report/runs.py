"""Runs and their states → text for people; does not find them out."""

from datetime import datetime

from hpcrun.model.run import JobState, RunList, RunStatus, SubmitResult
from hpcrun.model.staging import FetchResult
from hpcrun.report.terminal import escape
from hpcrun.tables.slurm_words import state_text
from hpcrun.units import format_duration

_STAGES = {
    "start": "the script ended before its checks",
    "preflight": "the script's checks stopped it before the command started",
}
_EXIT_CODES = {
    126: "a command is there in the container, but cannot be executed",
    127: "a command was not found in the container, or a library that it needs",
}
"""What shells and loaders end with (POSIX sh, 2.8.2; ld.so)."""
_SIGNAL_BASE, _HIGHEST_SIGNAL = 128, 64


def format_submitted(result: SubmitResult, *, handle: str) -> str:
    """Say that a run was submitted, and how to follow it; handle is what names it from here."""
    verb = "had been submitted before" if result.was_submitted_before else "submitted"
    lines = [
        f"run {result.run} {verb} as job {result.job_id} at site {result.site}",
        f"output: {result.output}",
        *(f"Slurm says: {message}" for message in result.messages),
        f"follow: hpcrun status {handle}",
    ]
    return "\n".join(map(escape, lines))


def format_status(status: RunStatus) -> str:
    """Say what has become of one run, in a few lines."""
    lines = [f"{status.run}: {format_state(status)}"]
    facts = {
        "job": status.job_id,
        "site": status.site,
        "nodes": status.nodes,
        "started": _time(status.started_at),
        "ended": _time(status.ended_at),
        "elapsed": None if status.elapsed_s is None else format_duration(status.elapsed_s),
        "folder": str(status.folder),
        "output": None if status.output is None else str(status.output),
    }
    lines += [f"  {name:8} {value}" for name, value in facts.items() if value]
    return "\n".join(map(escape, lines))


def format_fetched(result: FetchResult) -> str:
    """Say what came back."""
    lines = [f"{result.run}: its records and output are in {result.folder}"]
    if result.workdir is not None:
        n_files = len(result.files)
        lines.append(f"{n_files or 'no'} new or changed {_files(n_files)} in {result.workdir}")
    if result.kept_apart:
        lines.append(f"changed here too, so what the job wrote is in {result.folder / 'apart'}:")
        lines += [f"  {name}" for name in result.kept_apart]
    if result.left_there:
        lines.append("links that lead out of the working folder, left at the site:")
        lines += [f"  {name}" for name in result.left_there]
    return "\n".join(map(escape, lines))


def _files(number: int) -> str:
    return "file" if number == 1 else "files"


def format_state(status: RunStatus) -> str:
    """Say the state of a run in one line: Slurm's word, what it means, and why."""
    word = status.raw_state if status.state is JobState.OTHER else status.state.value
    parts = [f"{word}, the job {state_text(status.state)}"]
    if status.reason:
        parts.append(status.reason)
    if status.is_final and status.signal:
        parts.append(f"ended by signal {status.signal}")
    elif status.is_final and status.exit_code:
        words = _EXIT_CODES.get(status.exit_code) if status.stage == "application" else None
        parts.append(_format_exit_code(status.exit_code) + (f" ({words})" if words else ""))
    if status.is_final and status.stage in _STAGES:
        parts.append(f"{_STAGES[status.stage]}, see its output")
    return ": ".join((parts[0], "; ".join(parts[1:]))) if parts[1:] else parts[0]


def format_list(runs: RunList) -> str:
    """Make a table of runs, newest first."""
    head = ("RUN", "STATE", "JOB", "EXIT", "ELAPSED", "SITE", "CREATED")
    rows = [head, *(tuple(map(escape, _row(status))) for status in runs.runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _row(status: RunStatus) -> tuple[str, ...]:
    ended_by = f"signal {status.signal}" if status.signal else str(status.exit_code)
    return (
        status.run,
        status.raw_state if status.state is JobState.OTHER else status.state.value,
        status.job_id or "-",
        ended_by if status.is_final and (status.signal or status.exit_code is not None) else "-",
        "-" if status.elapsed_s is None else format_duration(status.elapsed_s),
        status.site,
        _time(status.created_at) or "-",
    )


def _format_exit_code(code: int) -> str:
    signal = code - _SIGNAL_BASE
    by_signal = f" (128 + signal {signal})" if 0 < signal <= _HIGHEST_SIGNAL else ""
    return f"exit code {code}{by_signal}"


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
