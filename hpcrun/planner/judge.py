"""The verdict on each candidate: the worst answer of the questions it raises; does not choose."""

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from hpcrun.compat.architecture import is_needless
from hpcrun.compat.emulation import check_emulated_mpi
from hpcrun.compat.evidence import asked, in_profile, incompatible, library_found, unknown
from hpcrun.compat.launch import (
    check_image_mpi,
    check_no_pmi,
    check_no_srun,
    check_supported,
    check_without_mpi,
)
from hpcrun.compat.libc import check_libc
from hpcrun.compat.libc_untold import check_libc_untold
from hpcrun.compat.mpi_abi import check_mpi_abi, library_for
from hpcrun.compat.pmi import PmiClient
from hpcrun.compat.process_manager import Manager
from hpcrun.compat.runtime import check_bind_allowed, check_library_order
from hpcrun.model.image import MpiLibrary
from hpcrun.model.plan import Candidate
from hpcrun.model.site import Site
from hpcrun.model.verdict import Answer, Force, Reason, Verdict
from hpcrun.planner.candidates import Shape, all_shapes
from hpcrun.planner.judge_gpu import judge_gpus
from hpcrun.planner.judge_launch import check_contained, check_start
from hpcrun.planner.judge_machine import judge_containers, judge_memory, judge_programs
from hpcrun.planner.judge_network import judge_image_network, judge_stack_network
from hpcrun.planner.managers import stack_manager, stacks_with
from hpcrun.planner.pmi_clients import image_client, stack_client
from hpcrun.planner.question import Question

T = TypeVar("T")


class Judged(NamedTuple):
    """The verdicts on some questions, and the MPI library that the ranks would run on."""

    verdicts: tuple[Verdict, ...]
    library: MpiLibrary | None = None
    """Of the image (hybrid) or of the host stack (bind); None where none or several would."""
    client: PmiClient | None = None

    @property
    def objection(self) -> int:
        """How much is against it."""
        return max((verdict.objection for verdict in self.verdicts), default=0)


class Judgement:
    """All that was found about one candidate; what is joined of it only when it is asked for."""

    def __init__(self, judged: Judged, support: Verdict) -> None:
        """Take the verdicts; `support` is whether this version of hpcrun can start ranks so."""
        self.verdicts = judged.verdicts
        self.library = judged.library
        self.client = judged.client
        self.support = support
        self.weight = max([v.objection for v in judged.verdicts] + [support.objection])
        """How much is against the candidate; 0 is nothing."""

    @cached_property
    def forecast(self) -> Verdict:
        """What would become of it, whether or not hpcrun can start it."""
        return Verdict.worst_of(v for v in self.verdicts if v.weight == v.objection)

    @cached_property
    def verdict(self) -> Verdict:
        """The worst of the answers that count against a candidate."""
        return Verdict.worst_of([self.support, self.forecast])

    def candidate(self, shape: Shape) -> Candidate:
        """Return the candidate as plans tell it."""
        verdict = self.verdict
        return Candidate(**shape._asdict(), verdict=verdict.answer, reasons=verdict.reasons)

    @property
    def codes(self) -> frozenset[str]:
        """The rules by which the worst of the answers speak."""
        weight = self.weight
        if not weight:
            return frozenset()
        every = (self.support, *self.verdicts)
        return frozenset([r.code for v in every if v.objection == weight for r in v.reasons])

    @property
    def objections(self) -> tuple[tuple[Answer, Reason], ...]:
        """Every reason against the candidate, also those that a worse answer hides."""
        every = (self.support, *self.verdicts)
        return tuple((v.answer, reason) for v in every if v.refuses for reason in v.reasons)

    def told(self, force: Force) -> tuple[Reason, ...]:
        """Return the reasons that are no objections: warnings, or what could not be judged."""
        told = (v for v in self.verdicts if v.weight and v.force is force)
        return tuple(dict.fromkeys(reason for v in told for reason in v.reasons))


def judge_all(question: Question) -> list[tuple[Shape, Judgement]]:
    """Judge every candidate."""
    judge = Judge(question)
    return [(shape, judge.judge(shape)) for shape in all_shapes(question)]


class Judge:
    """Judges the candidates of one question; what several of them raise is answered once."""

    def __init__(self, question: Question) -> None:
        """Take the question; nothing is judged yet."""
        self._question = question
        self._answers: dict[Hashable, Any] = {}

    def judge(self, shape: Shape) -> Judgement:
        """Judge one candidate."""
        support = check_supported(shape.model, shape.launcher)
        arch, is_contained = shape.image_arch, shape.model == "contained"
        common, is_needed = self._once(
            ("common", arch, shape.execution, is_contained), lambda: self._judge_common(shape)
        )
        if not is_needed:
            return Judgement(Judged(common), support)
        own = self._judge_model(shape)
        return Judgement(Judged(common + own.verdicts, own.library, own.client), support)

    def _judge_common(self, shape: Shape) -> tuple[tuple[Verdict, ...], bool]:
        """Judge what has nothing to do with MPI, and tell whether more need be asked."""
        question = self._question
        programs = self._once(
            ("programs", shape.image_arch, shape.execution),
            lambda: judge_programs(question, shape),
        )
        if shape.execution == "emulated" and any(map(is_needless, programs)):
            return programs, False
        containers = self._once(
            ("containers", shape.image_arch, shape.model == "contained"),
            lambda: tuple(judge_containers(question, shape)),
        )
        gpus = self._once(
            ("gpus", shape.image_arch, shape.execution),
            lambda: tuple(judge_gpus(question, shape.image_arch, shape.execution)),
        )
        return (*programs, *containers, *gpus), True

    def _once(self, key: Hashable, answer: Callable[[], T]) -> T:
        found: T | None = self._answers.get(key)
        if found is None:
            found = self._answers[key] = answer()
        return found

    def _judge_model(self, shape: Shape) -> Judged:
        if shape.model == "bind":
            return self._judge_bind(shape)
        if shape.model == "none":
            return self._judge_none(shape)
        return self._judge_own(shape)

    def _judge_none(self, shape: Shape) -> Judged:
        question = self._question
        verdict = self._once(
            ("none", shape.image_arch),
            lambda: check_without_mpi(
                question.images[shape.image_arch],
                question.needs[shape.image_arch],
                n_tasks=question.n_tasks,
                is_wished=question.job.mpi.model == "none",
            ),
        )
        return Judged(verdicts=(check_no_pmi(shape.launcher, shape.srun_mpi), verdict))

    def _judge_own(self, shape: Shape) -> Judged:
        """Judge starting ranks on the image's own MPI (hybrid, contained)."""
        question, arch = self._question, shape.image_arch
        need = question.needs[arch]
        present = self._once(
            ("present", arch), lambda: check_image_mpi(question.images[arch], need)
        )
        if shape.model == "contained" and shape.launcher == "srun":
            return Judged(verdicts=(present, check_no_srun()))
        if not need.libraries:
            start = () if shape.model == "contained" else self._start(shape, None)
            return Judged(verdicts=(present, *start))
        judged = [self._judge_library(shape, library) for library in need.libraries]
        chosen = _one_library(question, shape, judged)
        return Judged((present, *chosen.verdicts), chosen.library, chosen.client)

    def _judge_library(self, shape: Shape, library: MpiLibrary) -> Judged:
        """Judge starting ranks on one library of the image."""
        arch = shape.image_arch
        client, verdicts = self._once(
            ("library", arch, library.path, shape.execution, shape.model == "contained"),
            lambda: self._judge_placed(shape, library),
        )
        key = ("start", shape.model, arch, library.path, *_launch(shape))
        if shape.model == "contained":
            start = self._once(
                key, lambda: tuple(check_contained(self._question, shape, library, client))
            )
        else:
            start = self._start(shape, client, *key)
        return Judged(verdicts=start + verdicts, library=library, client=client)

    def _judge_placed(
        self, shape: Shape, library: MpiLibrary
    ) -> tuple[PmiClient, tuple[Verdict, ...]]:
        """Judge one library of the image on the nodes, however its ranks are started."""
        question, arch, execution = self._question, shape.image_arch, shape.execution
        facts = question.images[arch]
        client = image_client(question, arch, library)
        verdicts: list[Verdict] = []
        if shape.model != "contained":
            verdicts += judge_image_network(question, arch, library, execution)
            verdicts.append(judge_memory(question, library, client, execution=execution))
        if execution == "emulated":
            verdicts.append(check_emulated_mpi(client, facts, question.site, question.classes))
        return client, tuple(verdicts)

    def _start(self, shape: Shape, client: PmiClient | None, *key: Hashable) -> tuple[Verdict, ...]:
        """Judge how the host's launcher starts the ranks of a library, if there is one."""
        return self._once(
            key or ("start", shape.model, *_launch(shape)),
            lambda: tuple(check_start(self._question, shape, client, self._manager(shape))),
        )

    def _manager(self, shape: Shape) -> Manager | None:
        """Return what a host stack's mpirun or mpiexec starts ranks with, where it has one."""
        question, launcher, stack = self._question, shape.launcher, shape.mpi_stack
        if launcher == "srun" or stack is None:
            return None
        if stack not in self._once(("have", launcher), lambda: stacks_with(question, launcher)):
            return None
        return self._once(
            ("manager", launcher, stack), lambda: stack_manager(question, stack, launcher)
        )

    def _judge_bind(self, shape: Shape) -> Judged:
        if shape.execution == "emulated":
            return Judged(verdicts=(_emulated_bind(self._question, shape),))
        question, name = self._question, shape.mpi_stack or ""
        if question.site.mpi_stacks[name].prefix is None:
            return Judged(verdicts=(_bind_of_nothing(question.site, name),))
        bound = self._once(
            ("bind", shape.image_arch, name), lambda: _judge_stack(question, shape.image_arch, name)
        )
        start = self._start(shape, bound.client, "bind start", shape.image_arch, *_launch(shape))
        return Judged(bound.verdicts + start, bound.library, bound.client)


def _launch(shape: Shape) -> tuple[str | None, ...]:
    """Return what tells ways to start ranks apart."""
    return (shape.launcher, shape.srun_mpi, shape.mpi_stack)


def _judge_stack(question: Question, arch: str, name: str) -> Judged:
    """Judge the program of an image on one host stack, however its ranks are started."""
    facts, need = question.images[arch], question.needs[arch]
    stack, stack_facts = question.site.mpi_stacks[name], question.stacks.get(name)
    verdicts = [
        check_bind_allowed(question.site),
        check_mpi_abi(facts, need, name=name, stack=stack, stack_facts=stack_facts),
    ]
    offered = stack_facts.libraries if stack_facts else ()
    loads = (library_for(user, offered) for user in need.users)
    library = next((lib for lib in loads if lib is not None), None)
    if stack_facts is None:
        verdicts.append(check_libc_untold(facts, question.site, question.classes, name=name))
    verdicts += judge_stack_network(question, arch, name, library, stack_facts)
    if library is None or stack_facts is None:
        return Judged(verdicts=tuple(verdicts))
    verdicts += check_libc(facts, name=name, library=library, stack_facts=stack_facts)
    client = stack_client(question, arch, name, library)
    verdicts.append(check_library_order(question.site))
    verdicts.append(judge_memory(question, library, client, execution="native"))
    return Judged(verdicts=tuple(verdicts), library=library, client=client)


def _one_library(question: Question, shape: Shape, judged: list[Judged]) -> Judged:
    """Join the verdicts on the image's libraries, of which one will be loaded."""
    if len(judged) == 1:
        return judged[0]
    best = min(judged, key=lambda item: item.objection)
    answers = {item.objection for item in judged}
    families = {item.library.family for item in judged if item.library}
    need = question.needs[shape.image_arch]
    if need.choosers or len(answers) == 1:
        is_one = bool(need.choosers) or len(families) == 1
        return best if is_one else Judged(verdicts=best.verdicts)
    facts = question.images[shape.image_arch]
    doubt = unknown(
        Reason(
            code="HPR303",
            message="the image has several MPI libraries; cannot tell which one is loaded",
            evidence=tuple(library_found(facts, lib) for lib in need.libraries[:4]),
            table_row=asked("several-mpi"),
        )
    )
    return Judged(verdicts=(doubt,))


def _emulated_bind(question: Question, shape: Shape) -> Verdict:
    facts = question.images[shape.image_arch]
    return incompatible(
        Reason(
            code="HPR602",
            message="host libraries cannot be bound into emulated programs",
            evidence=(f"{facts.path.name} is {facts.arch}, stack `{shape.mpi_stack}` the host's",),
            table_row=asked("emulated-bind"),
        )
    )


def _bind_of_nothing(site: Site, name: str) -> Verdict:
    return incompatible(
        Reason(
            code="HPR408",
            message=f"the profile does not say where MPI stack `{name}` lies",
            evidence=(f"{in_profile(site, f'mpi_stacks.{name}.prefix')} is unknown",),
            table_row=asked("mpi-abi"),
        )
    )
