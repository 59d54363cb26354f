"""Would MPI's Fortran and C++ libraries of the image be loaded beside the host's MPI, and fit it.

A host stack brings them, or those of the image are taken: they are made for one implementation and
series of it, and need symbols of it that no standard names.
"""

from hpcrun.compat.evidence import (
    asked,
    fits,
    in_image,
    incompatible,
    library_found,
    library_name,
    listed,
    unknown,
    user_found,
)
from hpcrun.model.base import UNKNOWN, is_known
from hpcrun.model.image import ImageFacts, MpiLibrary, MpiUser
from hpcrun.model.verdict import Force, Reason, Verdict
from hpcrun.tables.versions import version_key

_ROW = asked("mpi-companions")
_OPEN_MPI_6 = (6,)


def check_companions(
    facts: ImageFacts, user: MpiUser, own: MpiLibrary | None, library: MpiLibrary, *, name: str
) -> Verdict:
    """Judge what a program would load of the image's MPI beside a host's library."""
    offered = {companion.soname for companion in library.companions}
    beside = [soname for soname in user.companions if soname not in offered]
    if not beside:
        return _check_parts(facts, own, library, name=name)
    seen: tuple[str, ...] = (
        f"{user_found(facts, user)} and {listed(beside)}",
        f"`{name}` has {listed(offered)} beside `{library.path}`",
    )
    if own is None or not _companions_in(own, beside):
        return _without(facts, beside, seen, name=name)
    seen = (*seen, library_found(facts, own))
    if own.implementation == library.implementation and _series(own) == _series(library) != ():
        return fits(_ROW, *seen)
    message = (
        f"the image's `{beside[0]}` is made for {library_name(own)} {own.version}, not for `{name}`"
    )
    is_other = UNKNOWN not in (own.implementation, library.implementation)
    is_other &= own.implementation != library.implementation
    if is_other or (own.family == "openmpi" and () not in (_series(own), _series(library))):
        return incompatible(Reason("HPR308", message, seen, _ROW))
    return unknown(Reason("HPR308", message, seen, _ROW), force=Force.WARNS)


def _companions_in(own: MpiLibrary, sonames: list[str]) -> bool:
    return {companion.soname for companion in own.companions} >= set(sonames)


def _without(facts: ImageFacts, sonames: list[str], seen: tuple[str, ...], *, name: str) -> Verdict:
    """Say that neither side has a library, or that nobody can tell."""
    lacking = [soname for soname in sonames if soname not in facts.sonames]
    if lacking and facts.sonames and facts.is_complete:
        message = f"neither the image nor `{name}` has `{lacking[0]}`, which the program needs"
        return incompatible(Reason("HPR309", message, seen, _ROW))
    message = f"cannot tell whether `{sonames[0]}` fits the MPI library of `{name}`"
    return unknown(Reason("HPR308", message, seen, _ROW), force=Force.WARNS)


def _series(library: MpiLibrary) -> tuple[int, ...]:
    """Return major and minor number: what is the same in all releases that share their inside."""
    return version_key(library.version)[:2] if is_known(library.version) else ()


def _check_parts(
    facts: ImageFacts, own: MpiLibrary | None, library: MpiLibrary, *, name: str
) -> Verdict:
    """Judge libopen_mpi of Open MPI 6, which its programs need too and older hosts do not have.

    It is taken from the image then, and finds the host's libfabric loaded already.
    """
    fit = fits(_ROW, f"it loads no other library of MPI than `{library.path}` of `{name}`")
    if own is None or own.family != "openmpi" or library.family != "openmpi":
        return fit
    if not _series(own) >= _OPEN_MPI_6 > _series(library) or not _series(library):
        return fit
    needs = [use.interface_needed for use in own.fabrics if use.kind == "libfabric"]
    has = [use.interface_needed for use in library.fabrics if use.kind == "libfabric"]
    need = max((version_key(text) for text in needs if text), default=())
    # A library needs what its own libfabric has at least.
    offer = max((version_key(text) for text in has if text), default=())
    if not need or not has or offer >= need:
        return fit
    seen = (
        f"`libopen_mpi.so.40` at {in_image(facts, own.path)} needs {listed(filter(None, needs))}",
        f"libfabric of `{name}` is made for {listed(filter(None, has))}",
    )
    message = f"the image's own part of Open MPI needs a newer libfabric than `{name}` has"
    return incompatible(Reason("HPR308", message, seen, _ROW))
