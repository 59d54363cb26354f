"""The verdict on one candidate: the worst answer of the questions it raises; does not choose."""

from typing import NamedTuple

from hpcrun.compat.architecture import check_emulated, check_native
from hpcrun.compat.emulation import check_emulated_mpi
from hpcrun.compat.evidence import in_profile, incompatible, library_found, library_name, unknown
from hpcrun.compat.launch import (
    check_image_mpi,
    check_no_pmi,
    check_supported,
    check_without_mpi,
)
from hpcrun.compat.libc import check_libc
from hpcrun.compat.mpi_abi import check_mpi_abi, library_for
from hpcrun.compat.pmi import PmiClient, check_pmi
from hpcrun.compat.runtime import check_bind_allowed
from hpcrun.model.base import UNKNOWN, Unknown, is_known
from hpcrun.model.image import MpiLibrary, PmiAbility
from hpcrun.model.site import Site
from hpcrun.model.verdict import Answer, Reason, Verdict
from hpcrun.planner.candidates import Shape
from hpcrun.planner.question import Question

_PMI_KINDS = ("pmi1", "pmi2", "pmix")


class Judgement(NamedTuple):
    """The verdicts on a candidate's questions, and the MPI library its ranks would run on."""

    verdicts: tuple[Verdict, ...]
    library: MpiLibrary | None = None
    """Of the image (hybrid) or of the host stack (bind); None where none or several would."""
    client: PmiClient | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of the answers."""
        return Verdict.worst_of(self.verdicts)

    @property
    def objections(self) -> tuple[tuple[Answer, Reason], ...]:
        """Every reason against the candidate, also those that a worse answer hides."""
        against = (v for v in self.verdicts if v.answer is not Answer.COMPATIBLE)
        return tuple((verdict.answer, reason) for verdict in against for reason in verdict.reasons)


def judge(question: Question, shape: Shape) -> Judgement:
    """Judge one candidate."""
    common = (
        check_supported(shape.model, shape.launcher),
        _check_execution(question, shape),
    )
    if shape.model == "bind":
        own = _judge_bind(question, shape)
    elif shape.model == "hybrid":
        own = _judge_hybrid(question, shape)
    else:
        own = _judge_none(question, shape)
    return own._replace(verdicts=(*common, *own.verdicts))


def _check_execution(question: Question, shape: Shape) -> Verdict:
    facts = question.images[shape.image_arch]
    if shape.execution == "native":
        return check_native(facts, question.site, question.classes)
    return check_emulated(facts, question.site, question.classes)


def _judge_none(question: Question, shape: Shape) -> Judgement:
    if shape.model == "contained" or shape.srun_mpi is None:
        return Judgement(verdicts=())
    facts = question.images[shape.image_arch]
    verdict = check_without_mpi(
        facts,
        question.needs[shape.image_arch],
        n_tasks=question.n_tasks,
        is_wished=question.job.mpi.model == "none",
    )
    return Judgement(verdicts=(check_no_pmi(shape.srun_mpi), verdict))


def _judge_hybrid(question: Question, shape: Shape) -> Judgement:
    facts = question.images[shape.image_arch]
    need = question.needs[shape.image_arch]
    present = check_image_mpi(facts, need)
    if shape.srun_mpi is None or not need.libraries:
        return Judgement(verdicts=(present,))
    judged = []
    for library in need.libraries:
        client = image_client(question, shape.image_arch, library)
        verdicts = [check_pmi(client, shape.srun_mpi, question.site)]
        if shape.execution == "emulated":
            verdicts.append(check_emulated_mpi(client, facts, question.site, question.classes))
        judged.append(
            Judgement(
                verdicts=tuple(verdicts),
                library=library,
                client=client,
            )
        )
    chosen = _one_library(question, shape, judged)
    return chosen._replace(verdicts=(present, *chosen.verdicts))


def _one_library(question: Question, shape: Shape, judged: list[Judgement]) -> Judgement:
    """Join the verdicts on the image's libraries, of which one will be loaded."""
    order = list(Answer)
    best = min(judged, key=lambda item: order.index(item.verdict.answer))
    answers = {item.verdict.answer for item in judged}
    families = {item.library.family for item in judged if item.library}
    need = question.needs[shape.image_arch]
    if need.choosers or len(answers) == 1:
        is_one = bool(need.choosers) or len(families) == 1
        return best if is_one else Judgement(verdicts=best.verdicts)
    facts = question.images[shape.image_arch]
    doubt = unknown(
        Reason(
            code="HPR303",
            message="the image has several MPI libraries; cannot tell which one is loaded",
            evidence=tuple(library_found(facts, lib) for lib in need.libraries[:4]),
        )
    )
    return Judgement(verdicts=(doubt,))


def _judge_bind(question: Question, shape: Shape) -> Judgement:
    if shape.execution == "emulated":
        return Judgement(verdicts=(_emulated_bind(question, shape),))
    name = shape.mpi_stack or ""
    stack = question.site.mpi_stacks[name]
    if stack.prefix is None:
        return Judgement(verdicts=(_bind_of_nothing(question.site, name),))
    stack_facts = question.stacks.get(name)
    facts = question.images[shape.image_arch]
    need = question.needs[shape.image_arch]
    verdicts = [
        check_bind_allowed(question.site),
        check_mpi_abi(facts, need, name=name, stack=stack, stack_facts=stack_facts),
    ]
    offered = stack_facts.libraries if stack_facts else ()
    loads = (library_for(user, offered) for user in need.users)
    library = next((lib for lib in loads if lib is not None), None)
    if library is None or stack_facts is None:
        return Judgement(verdicts=tuple(verdicts))
    verdicts.append(check_libc(facts, name=name, library=library, stack_facts=stack_facts))
    client = _stack_client(question, name, library)
    if shape.srun_mpi is not None:
        verdicts.append(check_pmi(client, shape.srun_mpi, question.site))
    return Judgement(verdicts=tuple(verdicts), library=library, client=client)


def _emulated_bind(question: Question, shape: Shape) -> Verdict:
    facts = question.images[shape.image_arch]
    return incompatible(
        Reason(
            code="HPR602",
            message="host libraries cannot be bound into emulated programs",
            evidence=(f"{facts.path.name} is {facts.arch}, stack `{shape.mpi_stack}` the host's",),
        )
    )


def _bind_of_nothing(site: Site, name: str) -> Verdict:
    return incompatible(
        Reason(
            code="HPR408",
            message=f"the profile does not say where MPI stack `{name}` lies",
            evidence=(f"{in_profile(site, f'mpi_stacks.{name}.prefix')} is unknown",),
        )
    )


def image_client(question: Question, arch: str, library: MpiLibrary) -> PmiClient:
    """Return the PMI side of a library in an image."""
    return PmiClient(
        family=library.family,
        version=library.version,
        abilities=library.pmi,
        found=library_found(question.images[arch], library),
        library_name=library_name(library),
    )


def _stack_client(question: Question, name: str, library: MpiLibrary) -> PmiClient:
    stack = question.site.mpi_stacks[name]
    abilities: tuple[PmiAbility, ...] | Unknown = library.pmi
    is_vouched = is_known(stack.pmi)
    if not is_known(abilities) and is_known(stack.pmi):
        abilities = tuple(
            PmiAbility.model_validate(
                {"kind": kind, "evidence": f"`mpi_stacks.{name}.pmi` of the profile"}
            )
            for kind in stack.pmi
            if kind in _PMI_KINDS
        )
    version = library.version if is_known(library.version) else stack.version
    return PmiClient(
        family=library.family if is_known(library.family) else UNKNOWN,
        version=version,
        abilities=abilities,
        found=(
            f"`{library.soname}`, {library_name(library)} {version}, at {library.path} of `{name}`"
        ),
        is_vouched=is_vouched,
        library_name=library_name(library),
    )
