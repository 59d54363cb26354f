"""Do the host libraries that would be bound run on the image's C library; does not judge MPI."""

from pathlib import PurePosixPath

from hpcrun.compat.evidence import asked, fits, incompatible, listed, unknown
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts, MpiLibrary, StackFacts
from hpcrun.model.verdict import Reason, Verdict
from hpcrun.tables.versions import version_key

_ROW = asked("c-library")


def check_libc(
    facts: ImageFacts, *, name: str, library: MpiLibrary, stack_facts: StackFacts
) -> Verdict:
    """Judge one host MPI library and its closure on one image's C library."""
    return Verdict.worst_of(
        [_check_version(facts, name, library), _check_closure(facts, name, stack_facts)]
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
                table_row=_ROW,
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
                table_row=_ROW,
            )
        )
    if version_key(library.glibc_needed.removeprefix("GLIBC_")) <= version_key(libc.version):
        return fits(_ROW, *seen)
    return incompatible(
        Reason(
            code="HPR311",
            message=f"host stack `{name}` needs a newer glibc than the image has",
            evidence=seen,
            table_row=_ROW,
        )
    )


def _check_closure(facts: ImageFacts, name: str, stack_facts: StackFacts) -> Verdict:
    """Judge what the host's MPI needs beyond its prefix: only the image can supply it."""
    beyond = (*stack_facts.closure_missing, *stack_facts.closure_outside)
    names = dict.fromkeys(PurePosixPath(library).name for library in beyond)
    lacking = [soname for soname in names if soname not in facts.sonames]
    if not lacking:
        return fits(_ROW, f"what `{name}` needs beyond its prefix is in the image: {listed(names)}")
    seen = tuple(f"`{name}` needs `{soname}`, which is not in its prefix" for soname in lacking[:3])
    if not facts.sonames or not facts.is_complete:
        return unknown(
            Reason(
                code="HPR312",
                message=f"cannot tell whether the image has what host stack `{name}` needs",
                evidence=(*seen, *facts.unread[:2]),
                table_row=_ROW,
            )
        )
    return incompatible(
        Reason(
            code="HPR312",
            message=f"the image lacks `{lacking[0]}`, which host stack `{name}` needs",
            evidence=(*seen, f"{facts.path.name} has {len(facts.sonames)} libraries, not this one"),
            table_row=_ROW,
        )
    )
