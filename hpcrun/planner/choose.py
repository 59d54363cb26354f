"""Which candidate to take, or the nearest miss where none may be taken; does not judge them."""

from collections.abc import Sequence

from hpcrun.model.base import Value
from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.model.job import Job
from hpcrun.model.verdict import Answer
from hpcrun.planner.candidates import Shape, is_wished_type
from hpcrun.planner.diagnose import diagnose, diagnose_reason
from hpcrun.planner.judge import Judgement
from hpcrun.planner.preference import preference
from hpcrun.planner.question import Question
from hpcrun.tables import rules

_ANSWERS = (Answer.COMPATIBLE, Answer.UNKNOWN, Answer.INCOMPATIBLE)
_SENSELESS = frozenset({"HPR404", "HPR407", "HPR602", "HPR603"})
"""Codes of candidates that nobody asked for unless the job says so."""


class Choice(Value):
    """The outcome: what was taken, and what is to be said about it."""

    shape: Shape | None
    judgement: Judgement | None
    diagnostics: tuple[Diagnostic, ...]


def choose(question: Question, judged: Sequence[tuple[Shape, Judgement]]) -> Choice:
    """Take the best candidate that the job's wishes leave and that may be taken."""
    wished = [item for item in judged if is_wished(question.job, item[0])]
    wished.sort(key=lambda item: preference(question, *item))
    allowed = {allow.rule for allow in question.job.allow}
    for answer in _ANSWERS:
        for shape, judgement in wished:
            verdict = judgement.verdict
            if verdict.answer is answer and _may_be_taken(judgement, allowed):
                severity = None if answer is Answer.COMPATIBLE else Severity.ERROR
                found = [diagnose_reason(r, severity=severity) for r in verdict.reasons]
                return Choice(shape=shape, judgement=judgement, diagnostics=tuple(found))
    if not wished:
        missing = _without_candidates(question)
        return Choice(shape=None, judgement=None, diagnostics=(missing,))
    return _refuse(wished)


def _without_candidates(question: Question) -> Diagnostic:
    """Say why nothing is left of what the job asks for."""
    if question.job.mpi.fabric == "injected":
        return diagnose(
            "HPR407",
            "fabric `injected` is not supported by this version of hpcrun",
            found=("it uses the fabric libraries of the image, or of the bound host stack",),
        )
    return diagnose(
        "HPR408",
        "the bind model is asked for, but the site has no MPI stack to bind",
        found=(f"`mpi_stacks` of profile `{question.site.name}` is empty",),
    )


def is_wished(job: Job, shape: Shape) -> bool:
    """Whether a candidate is within what the job asks for."""
    wish = job.mpi
    return (
        wish.model in ("auto", shape.model)
        and wish.launcher in ("auto", shape.launcher)
        and (shape.srun_mpi is None or is_wished_type(wish.pmi, shape.srun_mpi))
        and wish.fabric in ("auto", "image")
        and job.execution in ("auto", shape.execution)
    )


def _may_be_taken(judgement: Judgement, allowed: set[str]) -> bool:
    """Compatible ones may; others only where every reason against them is allowed by the job."""
    if judgement.verdict.answer is Answer.COMPATIBLE:
        return True
    codes = {reason.code for reason in judgement.verdict.reasons}
    return codes <= allowed and all(rules()[code].allowable for code in codes)


def _refuse(wished: Sequence[tuple[Shape, Judgement]]) -> Choice:
    """Report the nearest miss: most sensible, of the right family, least wrong, fewest reasons."""

    def distance(item: tuple[Shape, Judgement]) -> tuple[bool, bool, int, int]:
        verdict = item[1].verdict
        codes = {reason.code for reason in verdict.reasons}
        is_other_family = "HPR301" in codes
        is_senseless = bool(codes & _SENSELESS)
        return (is_senseless, is_other_family, _ANSWERS.index(verdict.answer), len(codes))

    _, judgement = min(wished, key=distance)
    found = [diagnose_reason(r, severity=Severity.ERROR) for r in judgement.verdict.reasons]
    return Choice(shape=None, judgement=None, diagnostics=tuple(found))
