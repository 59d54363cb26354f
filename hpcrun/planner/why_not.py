"""Why candidates were not chosen, and what would have to change; judges them as the plan does."""

from collections.abc import Iterable, Sequence

from hpcrun.model.plan import Candidate
from hpcrun.model.verdict import Answer, Reason
from hpcrun.model.why_not import ChangedFact, Rejected
from hpcrun.planner.candidates import EXECUTIONS, LAUNCHERS, MODELS, Shape
from hpcrun.planner.choose import SENSELESS, is_wished
from hpcrun.planner.judge import Judgement, judge_all
from hpcrun.planner.preference import preference
from hpcrun.planner.question import Question
from hpcrun.planner.what_if import what_if

_FEWEST_WORDS = "a model, launcher, `--mpi` type, host stack, execution or image architecture"


def words_of(shape: Shape) -> frozenset[str]:
    """Return the words by which a candidate may be asked for."""
    mpi = () if shape.srun_mpi is None else (f"--mpi={shape.srun_mpi}", shape.srun_mpi)
    parts = (shape.model, shape.launcher, shape.mpi_stack, shape.execution, shape.image_arch, *mpi)
    return frozenset(part for part in parts if part)


def why_not(question: Question, words: Sequence[str]) -> tuple[Rejected, ...]:
    """Explain all candidates that have every one of these words, alike ones together.

    Raises ValueError, with the words there are, where no candidate has them all.
    """
    judged = judge_all(question)
    wanted = [(s, j) for s, j in judged if frozenset(words) <= words_of(s)]
    if not wanted:
        raise ValueError(_no_such_candidate(judged, words))
    groups: dict[tuple[Reason, ...], list[tuple[Shape, Judgement]]] = {}
    for shape, judgement in sorted(wanted, key=lambda item: preference(question, *item)):
        against = tuple(dict.fromkeys(reason for _, reason in judgement.objections))
        groups.setdefault(against, []).append((shape, judgement))
    ordered = sorted(groups.items(), key=lambda item: len(item[0]))
    sensible = [item for item in ordered if not {r.code for r in item[0]} & SENSELESS]
    return tuple(_explain(question, judged, *group) for group in sensible or ordered)


def _explain(
    question: Question,
    judged: Sequence[tuple[Shape, Judgement]],
    against: tuple[Reason, ...],
    group: Sequence[tuple[Shape, Judgement]],
) -> Rejected:
    is_refused = group[0][1].forecast.answer is not Answer.COMPATIBLE
    found = ((shape, what_if(question, shape)) for shape, _ in group if is_refused)
    nearest, ways = next(((shape, ways) for shape, ways in found if ways), (group[0][0], ()))
    named = sorted(group, key=lambda item: item[0] != nearest)
    return Rejected(
        candidates=tuple(judgement.candidate(shape) for shape, judgement in named),
        is_wished=any(is_wished(question.job, shape) for shape, _ in group),
        objections=against,
        would_work_if=tuple(
            tuple(ChangedFact(text=change.text, role=change.role) for change in way.changes)
            for way in ways
        ),
        neighbours=tuple(_neighbours(judged, nearest)) if against else (),
    )


def _neighbours(judged: Iterable[tuple[Shape, Judgement]], shape: Shape) -> Iterable[Candidate]:
    for other, judgement in judged:
        differing = sum(a != b for a, b in zip(shape, other, strict=True))
        if differing == 1 and judgement.verdict.answer is Answer.COMPATIBLE:
            yield judgement.candidate(other)


def _no_such_candidate(judged: Iterable[tuple[Shape, Judgement]], words: Sequence[str]) -> str:
    known = frozenset().union(*(words_of(shape) for shape, _ in judged))
    strange = [word for word in words if word not in known]
    if not strange:
        return f"no way to run the job is all of {' '.join(words)}"
    order = (*MODELS, *LAUNCHERS, *EXECUTIONS)
    rest = sorted(word for word in known if word not in order and not word.startswith("--"))
    offered = ", ".join((*order, *rest))
    return f"`{strange[0]}` is not {_FEWEST_WORDS} of this job and site: {offered}"
