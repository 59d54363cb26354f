"""Slurm through its command line tools; does not decide what to submit.

Commands go through the site's runner with a time limit each. `env SLURM_TIME_FORMAT=%s` makes the
tools print times as numbers, whatever the node's clock is set to.
"""

from collections.abc import Mapping, Sequence

from hpcrun.errors import RefusedError, UnavailableError
from hpcrun.model.diagnostic import Diagnostic, Help
from hpcrun.model.run import JobReport, JobState, Submission, SubmitRequest
from hpcrun.ports import Clock, CommandResult, CommandRunner
from hpcrun.scheduler import parse_slurm
from hpcrun.tables import rules
from hpcrun.tables.slurm_words import error_meaning

SUBMIT_TIMEOUT_S = 180.0
"""Where Slurm is busy, sbatch tries again by itself for up to two minutes."""
_EPOCH = ("env", "SLURM_TIME_FORMAT=%s")
_TRY_AGAIN = "try again in a minute; `hpcrun status` shows whether the job arrived after all"


class Slurm:
    """The scheduler Slurm at one site."""

    def __init__(self, runner: CommandRunner, clock: Clock, *, has_accounting: bool) -> None:
        self._runner = runner
        self._clock = clock
        self._has_accounting = has_accounting

    def submit(self, request: SubmitRequest) -> Submission:
        """Submit a job by sbatch, the script on its standard input."""
        result = self._run("sbatch", "--parsable", stdin=request.script, timeout_s=SUBMIT_TIMEOUT_S)
        job_id = parse_slurm.parse_job_id(result.text)
        messages = parse_slurm.said_lines(result.stderr)
        if result.exit_code == 0 and job_id is not None:
            return Submission(job_id=job_id, submitted_at=self._clock.now(), messages=messages)
        if result.exit_code != 0 and error_meaning(result.stderr) != "out-of-reach":
            raise _refused(messages)
        said = "; ".join(messages) or f"sbatch printed {result.text[:80]!r}"
        raise UnavailableError(
            f"cannot tell whether Slurm took the job: {said}", help=(_TRY_AGAIN,)
        )

    def find_by_token(self, token: str) -> str | None:
        """Return the id of the job whose comment carries this token."""
        form = f"--format={parse_slurm.SQUEUE_TOKEN_FORMAT}"
        result = self._run("squeue", "--noheader", "--states=all", "--me", form)
        self._check(result, "squeue")
        return parse_slurm.parse_tokens(result.text).get(parse_slurm.TOKEN_PREFIX + token)

    def read_reports(self, job_ids: Sequence[str]) -> Mapping[str, JobReport]:
        """Return what Slurm knows about these jobs; ended ones with their exit codes."""
        if not job_ids:
            return {}
        form = f"--format={parse_slurm.SQUEUE_FORMAT}"
        jobs = f"--jobs={','.join(job_ids)}"
        result = self._run(*_EPOCH, "squeue", "--noheader", "--states=all", jobs, form)
        # squeue complains where it knows none of the jobs.
        self._check(result, "squeue")
        reports = parse_slurm.parse_squeue(result.text)
        ended = {i: self._with_exit_code(r) for i, r in reports.items() if r.is_final}
        forgotten = [job_id for job_id in job_ids if job_id not in reports]
        if self._has_accounting:
            accounts = self._read_accounts(forgotten, also=tuple(ended))
            ended = {i: _merge(report, accounts.pop(i, None)) for i, report in ended.items()}
            reports = {**accounts, **reports}
        reports |= ended
        lost = {i: r for i, r in reports.items() if r.state is JobState.NODE_FAIL}
        return {**reports, **{i: self._with_failed_nodes(r) for i, r in lost.items()}}

    def cancel(self, job_id: str) -> None:
        """Cancel a job; one that has ended already is left as it is."""
        self._check(self._run("scancel", job_id), "scancel")

    def _with_exit_code(self, report: JobReport) -> JobReport:
        argv = ("scontrol", "--oneliner", "--details", "show", "job", report.job_id)
        result = self._run(*argv)
        self._check(result, "scontrol")
        found = parse_slurm.parse_exit_code(result.text)
        if found is None:
            return report
        code, signal = found
        report = report.model_copy(
            update={"exit_code": code, "signal": signal, "origin": "scontrol"}
        )
        derived = parse_slurm.parse_derived_signal(result.text)
        return parse_slurm.tell_out_of_memory(report, derived)

    def _read_accounts(
        self, forgotten: Sequence[str], *, also: Sequence[str]
    ) -> dict[str, JobReport]:
        """Return the accounts of jobs; they may be missing only of those that squeue knows too."""
        job_ids = (*forgotten, *also)
        if not job_ids:
            return {}
        jobs, form = f"--jobs={','.join(job_ids)}", f"--format={parse_slurm.SACCT_FORMAT}"
        argv = ("sacct", "--noheader", "--parsable2", "--allocations", jobs, form)
        result = self._run(*_EPOCH, *argv)
        if forgotten:
            self._check(result, "sacct")
        return parse_slurm.parse_sacct(result.text)

    def _with_failed_nodes(self, report: JobReport) -> JobReport:
        """Add which of its nodes a job has lost, as far as anybody still knows."""
        nodes = "" if set(report.nodes) & set(",[") else report.nodes
        if not nodes and self._has_accounting:
            # Slurm 22.05 does not know this field yet, 24.11 does.
            job = f"--jobs={report.job_id}"
            asked = ("--noheader", "--parsable2", "--allocations", "--format=FailedNode", job)
            nodes = self._run("sacct", *asked).text.strip()
        if not nodes and report.origin != "sacct":
            argv = ("sinfo", "--noheader", "--Node", "--states=down", "--format=%N")
            nodes = ",".join(self._run(*argv, f"--nodes={report.nodes}").text.split())
        return report.model_copy(update={"failed_nodes": nodes})

    def _run(self, *argv: str, stdin: str = "", timeout_s: float = 45) -> CommandResult:
        return self._runner.run(argv, stdin=stdin.encode(), timeout_s=timeout_s)

    def _check(self, result: CommandResult, command: str) -> None:
        """Raise unless the command did its work, or Slurm just does not know the job any more."""
        if result.exit_code == 0 or error_meaning(result.stderr) == "unknown-job":
            return
        said = "; ".join(parse_slurm.said_lines(result.stderr)) or f"exit code {result.exit_code}"
        raise UnavailableError(
            f"cannot ask Slurm: `{command}` says: {said}",
            help=("check with `scontrol ping` that Slurm's controller answers at this site",),
        )


def _merge(report: JobReport, account: JobReport | None) -> JobReport:
    """Add what only accounting knows; it learns of an end a moment later than squeue does."""
    if account is None or not account.is_final:
        return report.model_copy(update={"origin": "squeue"})
    return report.model_copy(update={"cancelled_by": account.cancelled_by})


def _refused(words: tuple[str, ...]) -> RefusedError:
    rule = rules()["HPR801"]
    diagnostic = Diagnostic(
        code=rule.code,
        rule=rule.name,
        severity=rule.severity,
        message=rule.summary,
        found=words,
        help=tuple(Help(text=h.text, role=h.role, confidence=h.confidence) for h in rule.help),
    )
    return RefusedError(rule.summary, diagnostics=(diagnostic,))
