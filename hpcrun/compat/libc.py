"""Do the host libraries that would be bound run on the image's C library; does not judge MPI."""

from hpcrun.compat.evidence import COMPATIBLE, incompatible, unknown
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts, MpiLibrary, StackFacts
from hpcrun.model.verdict import Reason, Verdict
from hpcrun.tables.versions import version_key


def check_libc(
    facts: ImageFacts, *, name: str, library: MpiLibrary, stack_facts: StackFacts
) -> Verdict:
    """Judge one host MPI library and its closure on one image's C library."""
    return Verdict.worst_of(
        [_check_version(facts, name, library), _check_closure(name, stack_facts)]
    )


def _check_version(facts: ImageFacts, name: str, library: MpiLibrary) -> Verdict:
    libc = facts.libc
    where = libc.evidence or f"no C library found in {facts.path.name}"
    if libc.kind == "musl":
        return incompatible(
            Reason(
                code="HPR311",
                message=f"host stack `{name}` needs glibc, but the image's C library is musl",
                evidence=(where, f"`{library.path}` of `{name}`"),
            )
        )
    seen = (
        f"image: glibc {libc.version} ({where})",
        f"`{library.path}` of `{name}` and its closure need glibc {library.glibc_needed}",
    )
    if not is_known(libc.kind) or not is_known(libc.version) or library.glibc_needed is None:
        return unknown(
            Reason(
                code="HPR311",
                message=f"cannot tell whether host stack `{name}` runs on the image's glibc",
                evidence=seen,
            )
        )
    if version_key(library.glibc_needed.removeprefix("GLIBC_")) <= version_key(libc.version):
        return COMPATIBLE
    return incompatible(
        Reason(
            code="HPR311",
            message=f"host stack `{name}` needs a newer glibc than the image has",
            evidence=seen,
        )
    )


def _check_closure(name: str, stack_facts: StackFacts) -> Verdict:
    beyond = (*stack_facts.closure_missing, *stack_facts.closure_outside)
    if not beyond:
        return COMPATIBLE
    return unknown(
        Reason(
            code="HPR312",
            message=f"host stack `{name}` needs libraries that lie outside its prefix",
            evidence=tuple(f"`{library}`" for library in beyond[:5]),
        )
    )
