"""What Slurm's commands print → values; does not run them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from hpcrun.model.run import JobReport, JobState
from hpcrun.tables.slurm_words import state_of

SEPARATOR = "|"
TOKEN_PREFIX = "hpcrun:"  # noqa: S105  a mark in the job's comment, not a secret
SQUEUE_FORMAT = SEPARATOR.join(("%i", "%T", "%M", "%V", "%S", "%e", "%N", "%r", "%k", "%j"))
SQUEUE_TOKEN_FORMAT = SEPARATOR.join(("%i", "%k"))
SACCT_FORMAT = (
    "JobIDRaw,State,ExitCode,DerivedExitCode,ElapsedRaw,Submit,Start,End,NodeList,UID,"
    "Comment,JobName"
)

_JOB_ID = re.compile(r"([0-9]+)(;[A-Za-z0-9._-]+)?")
_EXIT_CODE = re.compile(r"(?:^|\s)ExitCode=([0-9]+):([0-9]+)(?=\s|$)")
_DERIVED_EXIT_CODE = re.compile(r"(?:^|\s)DerivedExitCode=[0-9]+:([0-9]+)(?=\s|$)")
# SIG_OOM of src/common/slurm_protocol_defs.h (20.11 to 24.11), which is no signal of the kernel.
_OUT_OF_MEMORY = 125
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
        job_id, state, elapsed, submit, start, end, nodes, reason, comment, name = fields
        report = JobReport(
            job_id=job_id,
            state=state_of(state),
            raw_state=state,
            reason="" if reason == "None" else reason,
            nodes=nodes,
            # A job without a node has not begun, though squeue says 0:00.
            elapsed_s=parse_elapsed_s(elapsed) if nodes else None,
            submitted_at=parse_epoch(submit),
            origin="squeue",
            token=_token(comment),
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


def tell_out_of_memory(report: JobReport, derived_signal: int | None) -> JobReport:
    """Say it of a job that has failed because one of its steps ran out of memory.

    Slurm says so of the job only where the batch script's own processes did (24.11). What a step
    ended by is the signal of DerivedExitCode.
    """
    if report.signal == _OUT_OF_MEMORY:
        report = report.model_copy(update={"signal": None, "state": JobState.OUT_OF_MEMORY})
    if report.state is JobState.FAILED and derived_signal == _OUT_OF_MEMORY:
        report = report.model_copy(update={"state": JobState.OUT_OF_MEMORY})
    return report


def parse_derived_signal(scontrol: str) -> int | None:
    """Return by which signal a step ended, as `scontrol --details show job` says it."""
    match = _DERIVED_EXIT_CODE.search(scontrol)
    return int(match[1]) if match else None


def parse_sacct(stdout: str) -> dict[str, JobReport]:
    """Return the reports of `sacct --parsable2 --format=SACCT_FORMAT`, by job id."""
    reports = {}
    for fields in _rows(stdout, SACCT_FORMAT.count(",") + 1):
        job_id, state, exit_code, derived, elapsed, submit, start, end, nodes, uid, *rest = fields
        comment, name = rest
        word, _, who = state.partition(" by ")  # "CANCELLED by 1000"
        started_at = parse_epoch(start)
        code, signal = _parse_code(exit_code)
        report = JobReport(
            job_id=job_id,
            state=state_of(word),
            raw_state=word,
            exit_code=code,
            signal=signal,
            nodes="" if nodes == "None assigned" else nodes,
            cancelled_by=_say_who(who, owner=uid),
            elapsed_s=int(elapsed) if elapsed.isdecimal() and started_at else None,
            submitted_at=parse_epoch(submit),
            started_at=started_at,
            ended_at=parse_epoch(end),
            origin="sacct",
            token=_token(comment),
            job_name=name,
        )
        reports[job_id] = tell_out_of_memory(report, _parse_code(derived)[1])
    return reports


def _parse_code(text: str) -> tuple[int | None, int | None]:
    """Return exit code and signal of `CODE:SIGNAL`."""
    code, _, signal = text.partition(":")
    return (
        int(code) if code.isdecimal() else None,
        int(signal) or None if signal.isdecimal() else None,
    )


def _say_who(uid: str, *, owner: str) -> str:
    """Say who a number stands for; names are known only at the site."""
    if not uid:
        return ""
    if uid == owner:
        return "its owner"
    return "root" if uid == "0" else f"user {uid}"


def _token(comment: str) -> str | None:
    return comment.removeprefix(TOKEN_PREFIX) if TOKEN_PREFIX in comment else None


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
