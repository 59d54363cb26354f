"""Diagnostics from findings, by the catalogue of rules; does not propose help."""

from collections.abc import Iterable, Sequence

from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.model.job import Allow, Job
from hpcrun.model.verdict import Answer, Reason
from hpcrun.tables import rules


def diagnose(
    code: str,
    message: str,
    *,
    found: Sequence[str] = (),
    table_row: str | None = None,
    severity: Severity | None = None,
) -> Diagnostic:
    """Build the diagnostic of one rule."""
    rule = rules()[code]
    return Diagnostic(
        code=code,
        rule=rule.name,
        severity=severity or rule.severity,
        message=message,
        found=tuple(line for line in found if line),
        table_row=table_row,
    )


UNKNOWN_NOTE = "what is not known is not taken for fine"


def diagnose_reason(answer: Answer, reason: Reason) -> Diagnostic:
    """Build the diagnostic of a verdict's reason; against a candidate it is an error."""
    made = diagnose(
        reason.code,
        reason.message,
        found=reason.evidence,
        table_row=reason.table_row,
        severity=None if answer is Answer.COMPATIBLE else Severity.ERROR,
    )
    if answer is not Answer.UNKNOWN:
        return made
    return made.model_copy(update={"notes": (UNKNOWN_NOTE,)})


def diagnose_warning(reason: Reason) -> Diagnostic:
    """Build the diagnostic of a reason that does not refuse a candidate."""
    return diagnose(
        reason.code,
        reason.message,
        found=reason.evidence,
        table_row=reason.table_row,
        severity=Severity.WARNING,
    )


def apply_allows(job: Job, diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Mark what the job allows, and report each `allow` that had nothing to allow."""
    marked = mark_allowed(dict.fromkeys(diagnostics), job.allow)
    used = {d.code for d in marked if d.allowed_because is not None}
    allowed = dict.fromkeys(allow.rule for allow in job.allow)
    return (*marked, *(_unused(code) for code in allowed if code not in used))


def mark_allowed(
    diagnostics: Iterable[Diagnostic], allows: Iterable[Allow]
) -> tuple[Diagnostic, ...]:
    """Mark what is allowed, each with its reason, as far as its rule may be allowed."""
    reasons = {allow.rule: allow.because for allow in allows}
    return tuple(
        d.model_copy(update={"allowed_because": reasons[d.code]})
        if d.code in reasons and rules()[d.code].allowable
        else d
        for d in diagnostics
    )


def _unused(code: str) -> Diagnostic:
    rule = rules().get(code)
    if rule is not None and not rule.allowable:
        why = f"`{code}` ({rule.name}) cannot be allowed"
    elif rule is None:
        why = f"`{code}` is no rule of the planner"
    else:
        why = f"`{code}` ({rule.name}) is allowed, but it did not fire"
    return diagnose("HPR004", why, found=(f"`allow` names `{code}`",))
