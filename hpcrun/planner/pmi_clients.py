"""The PMI side of the MPI libraries that candidates would start; does not judge them."""

from hpcrun.compat.evidence import library_found, library_name
from hpcrun.compat.pmi import PmiClient
from hpcrun.model.base import UNKNOWN, Unknown, is_known
from hpcrun.model.image import MpiLibrary, PmiAbility
from hpcrun.planner.question import Question

_PMI_KINDS = ("pmi1", "pmi2", "pmix")


def image_client(question: Question, arch: str, library: MpiLibrary) -> PmiClient:
    """Return the PMI side of a library in an image."""
    return PmiClient(
        family=library.family,
        version=library.version,
        abilities=library.pmi,
        found=library_found(question.images[arch], library),
        library_name=library_name(library),
        implementation=library.implementation,
        device=library.device,
    )


def stack_client(question: Question, name: str, library: MpiLibrary) -> PmiClient:
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
    return PmiClient(
        family=library.family if is_known(library.family) else UNKNOWN,
        version=version,
        abilities=abilities,
        found=(
            f"`{library.soname}`, {library_name(library)} {version}, at {library.path} of `{name}`"
        ),
        is_vouched=is_vouched,
        library_name=library_name(library),
        implementation=library.implementation,
        device=library.device,
    )
