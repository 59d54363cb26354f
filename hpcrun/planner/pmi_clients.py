"""The PMI side of the MPI libraries that candidates would start; does not judge them."""

from typing import NamedTuple

from hpcrun.compat.evidence import library_found, library_name
from hpcrun.compat.pmi import PmiClient
from hpcrun.model.base import UNKNOWN, Unknown, is_known
from hpcrun.model.image import Family, MpiLibrary, PmiAbility
from hpcrun.planner.question import Question
from hpcrun.tables.mpi_families import mpi_families
from hpcrun.tables.versions import version_key

_PMI_KINDS = ("pmi1", "pmi2", "pmix")
_CHOICE = "MPIR_CVAR_PMI_VERSION"
_CHOSEN = {"1": "pmi1", "2": "pmi2", "x": "pmix"}
_CHOOSING = (4, 2)
"""Release of MPICH that brought the variable (mpich 4.2 src/util/mpir_pmi.c)."""


def image_client(question: Question, arch: str, library: MpiLibrary) -> PmiClient:
    """Return the PMI side of a library in an image."""
    told = _told_kind(question, arch, library)
    return PmiClient(
        family=library.family,
        version=library.version,
        abilities=_of_kind(library.pmi, told),
        found=library_found(question.images[arch], library) + _said(told),
        library_name=library_name(library),
        implementation=library.implementation,
        device=library.device,
    )


def stack_client(question: Question, arch: str, name: str, library: MpiLibrary) -> PmiClient:
    """Return the PMI side of a library of a host stack."""
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
    told = _told_kind(question, arch, library)
    return PmiClient(
        family=library.family if is_known(library.family) else UNKNOWN,
        version=version,
        abilities=_of_kind(abilities, told),
        found=(
            f"`{library.soname}`, {library_name(library)} {version}, at {library.path} of `{name}`"
            f"{_said(told)}"
        ),
        is_vouched=is_vouched,
        library_name=library_name(library),
        implementation=library.implementation,
        device=library.device,
    )


class _Told(NamedTuple):
    """The kind of PMI that a variable tells MPICH to speak, and nothing else."""

    kind: str
    evidence: str


def _told_kind(question: Question, arch: str, library: MpiLibrary) -> _Told | None:
    """Return what a variable of the job or of the image tells MPICH.

    A plan for PMIx sets the variable itself, before the image's but not before the job's.
    """
    inside = mpi_families().family_inside(library.family, library.implementation)
    is_old = is_known(library.version) and version_key(library.version) < _CHOOSING
    if inside != Family.MPICH or library.implementation == "intel-mpi" or is_old:
        return None
    value, whose = question.job.env.get(_CHOICE), "the job"
    if value is None:
        environment = question.images[arch].container.environment
        value, whose = environment.get(_CHOICE), "the image"
        value = value if value == "x" else None
    kind = _CHOSEN.get(value or "")
    return _Told(kind, f"{whose} sets `{_CHOICE}={value}`") if kind else None


def _of_kind(
    abilities: tuple[PmiAbility, ...] | Unknown, told: _Told | None
) -> tuple[PmiAbility, ...] | Unknown:
    if told is None or not is_known(abilities):
        return abilities
    return tuple(ability for ability in abilities if ability.kind == told.kind)


def _said(told: _Told | None) -> str:
    return f"; {told.evidence}" if told else ""
