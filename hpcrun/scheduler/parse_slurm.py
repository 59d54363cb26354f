"""What Slurm's commands print → values; does not run them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from hpcrun.model.run import JobReport
from hpcrun.tables.slurm_words import state_of

SEPARATOR = "|"
TOKEN_PREFIX = "hpcrun:"  # noqa: S105  a mark in the job's comment, not a secret
SQUEUE_FORMAT = SEPARATOR.join(("%i", "%T", "%M", "%S", "%e", "%N", "%r", "%k", "%j"))
SQUEUE_TOKEN_FORMAT = SEPARATOR.join(("%i", "%k"))
SACCT_FORMAT = "JobIDRaw,State,ExitCode,ElapsedRaw,Start,End,NodeList"

_JOB_ID = re.compile(r"([0-9]+)(;[A-Za-z0-9._-]+)?")
_EXIT_CODE = re.compile(r"(?:^|\s)ExitCode=([0-9]+):([0-9]+)(?=\s|$)")
_ELAPSED = re.compile(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)")
_TAG = re.compile(r"^(sbatch|squeue|scancel|scontrol|sacct|slurm_[a-z_]+): (error: |fatal: )?")


def parse_job_id(stdout: str) -> str | None:
    """Return the job id that `sbatch --parsable` prints, with or without a cluster behind it."""
    for line in reversed(stdout.splitlines()):
        match = _JOB_ID.fullmatch(line.strip())
        if match:
            return match[1]
    return None


def parse_squeue(stdout: str) -> dict[str, JobReport]:
    """Return the reports of `squeue --format=SQUEUE_FORMAT`, by job id."""
    reports = {}
    for fields in _rows(stdout, SQUEUE_FORMAT.count(SEPARATOR) + 1):
        job_id, state, elapsed, start, end, nodes, reason, comment, name = fields
        report = JobReport(
            job_id=job_id,
            state=state_of(state),
            raw_state=state,
            reason="" if reason == "None" else reason,
            nodes=nodes,
            elapsed_s=parse_elapsed_s(elapsed),
            origin="squeue",
            token=comment.removeprefix(TOKEN_PREFIX) if TOKEN_PREFIX in comment else None,
            job_name=name,
        )
        # While a job waits or runs, squeue's times are estimates and limits; of one that ended
        # without ever having a node, the start is the time of its end.
        started_at = parse_epoch(start) if nodes else None
        times = {"started_at": started_at, "ended_at": parse_epoch(end)}
        reports[job_id] = report.model_copy(update=times) if report.is_final else report
    return reports


def parse_tokens(stdout: str) -> dict[str, str]:
    """Return the job ids of `squeue --format=SQUEUE_TOKEN_FORMAT`, by the job's comment."""
    jobs: dict[str, str] = {}
    for line in stdout.splitlines():
        job_id, _, comment = line.partition(SEPARATOR)
        if job_id.isdecimal():
            # The first job of a doubled submission is the one that claims the run.
            jobs[comment] = min(jobs.get(comment, job_id), job_id, key=int)
    return jobs


def parse_exit_code(scontrol: str) -> tuple[int, int | None] | None:
    """Return exit code and signal of the one job that `scontrol --oneliner show job` prints.

    ExitCode stands before every field whose text a user chooses, but the restricted job name.
    """
    match = _EXIT_CODE.search(scontrol)
    return (int(match[1]), int(match[2]) or None) if match else None


def parse_sacct(stdout: str) -> dict[str, JobReport]:
    """Return the reports of `sacct --parsable2 --format=SACCT_FORMAT`, by job id."""
    reports = {}
    for fields in _rows(stdout, SACCT_FORMAT.count(",") + 1):
        job_id, state, exit_code, elapsed, start, end, nodes = fields
        word = state.split()[0] if state else ""  # "CANCELLED by 1000"
        code, _, signal = exit_code.partition(":")
        reports[job_id] = JobReport(
            job_id=job_id,
            state=state_of(word),
            raw_state=word,
            exit_code=int(code) if code.isdecimal() else None,
            signal=int(signal) or None if signal.isdecimal() else None,
            nodes="" if nodes == "None assigned" else nodes,
            elapsed_s=int(elapsed) if elapsed.isdecimal() else None,
            started_at=parse_epoch(start),
            ended_at=parse_epoch(end),
            origin="sacct",
        )
    return reports


def parse_elapsed_s(text: str) -> int | None:
    """Return the seconds of `[[days-]hours:]minutes:seconds`, None for words such as INVALID."""
    match = _ELAPSED.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def parse_epoch(text: str) -> datetime | None:
    """Return a time that `SLURM_TIME_FORMAT=%s` prints, None for words such as N/A."""
    return datetime.fromtimestamp(int(text), tz=UTC) if text.isdecimal() and int(text) else None


def said_lines(stderr: str) -> tuple[str, ...]:
    """Return Slurm's own words, without the names of its programs before them."""
    lines = (_TAG.sub("", line.strip()) for line in stderr.splitlines())
    return tuple(line for line in lines if line)


def _rows(stdout: str, n_fields: int) -> Iterator[list[str]]:
    for line in stdout.splitlines():
        # The last fields are free text of whoever submitted the job.
        fields = [field.strip() for field in line.split(SEPARATOR, n_fields - 1)]
        if len(fields) == n_fields and fields[0].isdecimal():
            yield fields
