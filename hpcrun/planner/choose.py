"""Which candidate to take, or the nearest miss where none may be taken; does not judge them."""

from collections.abc import Sequence, Set
from typing import NamedTuple

from hpcrun.model.diagnostic import Diagnostic
from hpcrun.model.job import Job
from hpcrun.model.plan import Candidate, Skipped
from hpcrun.model.verdict import Answer, Force
from hpcrun.planner.candidates import Shape, is_wished_type
from hpcrun.planner.diagnose import diagnose, diagnose_reason, diagnose_warning
from hpcrun.planner.judge import Judgement
from hpcrun.planner.preference import preference
from hpcrun.planner.question import Question
from hpcrun.tables import rules

SENSELESS = frozenset({"HPR404", "HPR407", "HPR602", "HPR603"})
"""Codes of candidates that nobody asked for unless the job says so."""

_NOT_EMULATED = frozenset({"HPR202", "HPR206", "HPR601", "HPR603"})
"""Codes that say why nothing is emulated."""


class Choice(NamedTuple):
    """The outcome: what was taken, and what is to be said about it."""

    shape: Shape | None
    judgement: Judgement | None
    diagnostics: tuple[Diagnostic, ...]
    skipped: tuple[Skipped, ...] = ()
    """What could not be judged about it."""


def choose(question: Question, judged: Sequence[tuple[Shape, Judgement]]) -> Choice:
    """Take the best compatible candidate that the job's wishes leave.

    Where there is none, the nearest miss is reported, and taken if the job allows every reason
    against it. An allowance never reaches further: it is given for what was reported.
    """
    wished = [item for item in judged if is_wished(question.job, item[0])]
    if not wished:
        missing = _without_candidates(question)
        return Choice(shape=None, judgement=None, diagnostics=(missing,))
    fitting = [item for item in wished if not item[1].weight]
    if fitting:
        shape, judgement = min(fitting, key=lambda item: preference(question, *item))
        reasons = judgement.verdict.reasons
        found = tuple(diagnose_reason(Answer.COMPATIBLE, reason) for reason in reasons)
        return _choice(shape, judgement, found)
    shape, judgement = _nearest_miss(question, wished)
    found = tuple(diagnose_reason(answer, reason) for answer, reason in judgement.objections)
    choice = _choice(shape, judgement, found)
    if _is_allowed(question.job, judgement):
        return choice
    return choice._replace(shape=None, judgement=None)


def _nearest_miss(
    question: Question, wished: Sequence[tuple[Shape, Judgement]]
) -> tuple[Shape, Judgement]:
    emulated = {
        shape.image_arch
        for shape, judgement in wished
        if shape.execution == "emulated" and _has_handler(judgement)
    }
    distances = [_distance(emulated, *item) for item in wished]
    least = min(distances)
    near = [item for item, distance in zip(wished, distances, strict=True) if distance == least]
    return min(near, key=lambda item: preference(question, *item))


def _choice(shape: Shape, judgement: Judgement, found: tuple[Diagnostic, ...]) -> Choice:
    """Return a choice with what is to be told of it besides."""
    warnings = tuple(diagnose_warning(reason) for reason in judgement.told(Force.WARNS))
    skipped = tuple(
        Skipped(code=reason.code, message=reason.message, lacking=reason.evidence)
        for reason in judgement.told(Force.SKIPS)
    )
    return Choice(shape, judgement, (*found, *warnings), skipped)


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


def is_wished(job: Job, shape: Shape | Candidate) -> bool:
    """Whether a candidate is within what the job asks for."""
    wish = job.mpi
    return (
        wish.model in ("auto", shape.model)
        and wish.launcher in ("auto", shape.launcher)
        and (shape.srun_mpi is None or is_wished_type(wish.pmi, shape.srun_mpi))
        and wish.fabric in ("auto", "image")
        and job.execution in ("auto", shape.execution)
    )


def _is_allowed(job: Job, judgement: Judgement) -> bool:
    """Whether the job allows every reason against a candidate."""
    codes = {reason.code for _, reason in judgement.objections}
    allowed = {allow.rule for allow in job.allow}
    return codes <= allowed and all(rules()[code].allowable for code in codes)


def _has_handler(judgement: Judgement) -> bool:
    """Whether the nodes have what emulates the image, whatever else there is against it."""
    return _NOT_EMULATED.isdisjoint(reason.code for _, reason in judgement.objections)


def _distance(
    emulated: Set[str], shape: Shape, judgement: Judgement
) -> tuple[bool, bool, int, int]:
    """Return how far a candidate misses: sense, family, answer, and the number of reasons.

    To run a foreign image natively is of no sense where the nodes emulate it.
    """
    codes = judgement.codes
    is_senseless = bool(codes & SENSELESS)
    is_senseless |= "HPR202" in codes and shape.image_arch in emulated
    # Nobody knows whether there is anything to emulate.
    is_senseless |= "HPR202" in codes and shape.execution == "emulated"
    is_other_family = "HPR301" in codes
    return (is_senseless, is_other_family, judgement.weight, len(codes))
