"""Would the image's programs load and run on a host MPI library (bind model).

Never looks at PMI: that is another question (compat/pmi.py).
"""

import posixpath

from hpcrun.compat.evidence import (
    RUN_TIME,
    STATIC,
    asked,
    family_name,
    fits,
    in_image,
    incompatible,
    listed,
    unknown,
    unread,
    user_found,
)
from hpcrun.compat.mpi_companions import check_companions
from hpcrun.compat.mpi_replacement import check_replacement
from hpcrun.compat.mpi_symbols import check_release, check_symbols
from hpcrun.compat.need import MpiNeed, libraries_of
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts, MpiLibrary, MpiUser, StackFacts
from hpcrun.model.site import MpiStack
from hpcrun.model.verdict import Answer, Reason, Verdict
from hpcrun.tables import mpi_abi

_ROW = asked("mpi-abi")


def check_mpi_abi(
    facts: ImageFacts, need: MpiNeed, *, name: str, stack: MpiStack, stack_facts: StackFacts | None
) -> Verdict:
    """Judge one host stack for the MPI users of one image."""
    if not need.users:
        return _without_users(facts, need)
    static = [user for user in need.users if user.needed == STATIC]
    if static:
        return _without_effect(facts, static, name=name)
    if stack_facts is None or not stack_facts.libraries:
        return Verdict.worst_of(
            _check_family(facts, user, stack, name=name)
            or check_release(facts, user, stack, name=name)
            for user in need.users
        )
    return Verdict.worst_of(
        _check_user(facts, user, name=name, offered=stack_facts.libraries) for user in need.users
    )


def _check_family(
    facts: ImageFacts, user: MpiUser, stack: MpiStack, *, name: str
) -> Verdict | None:
    """Return why a stack of which only the profile tells is of the wrong family, if it is."""
    is_chooser = user.needed == RUN_TIME
    families = user.families if is_chooser else mpi_abi().families_of(user.needed)
    if not is_known(stack.family) or not families or stack.family in families:
        return None
    ours = " or ".join(map(family_name, families))
    theirs = family_name(stack.family)
    return incompatible(
        Reason(
            code="HPR301",
            message=f"the program was built for {ours}, host stack `{name}` is {theirs}",
            evidence=(user_found(facts, user), f"`mpi_stacks.{name}.family` of the profile"),
            table_row=None if is_chooser else f"mpi_abi.yaml soname `{user.needed}`",
        )
    )


def _without_effect(facts: ImageFacts, static: list[MpiUser], *, name: str) -> Verdict:
    return incompatible(
        Reason(
            code="HPR203",
            message=f"the program's MPI is linked into it: host stack `{name}` would not be used",
            evidence=tuple(user_found(facts, user) for user in static[:3]),
            table_row=_ROW,
        )
    )


def library_for(user: MpiUser, offered: tuple[MpiLibrary, ...]) -> MpiLibrary | None:
    """Return the host library that a user would load."""
    if user.needed == RUN_TIME:
        row = mpi_abi().chooser(user.path)
        families = [family for family in (row.families if row else ()) if family in user.families]
        fitting = (lib for family in families for lib in offered if lib.family == family)
        return next(fitting, None)
    return next((lib for lib in offered if _offers(lib, user.needed)), None)


def _offers(library: MpiLibrary, soname: str) -> bool:
    families = mpi_abi().families_of(soname)
    # Of a vendor's own soname (libmpi_gnu_123.so.12) no row tells the family: nobody else has it.
    return library.soname == soname and (not families or library.family in families)


def _without_users(facts: ImageFacts, need: MpiNeed) -> Verdict:
    if not need.is_certain:
        return unknown(
            Reason(
                code="HPR303",
                message="cannot tell whether the image has programs that need MPI",
                evidence=unread(facts),
                table_row=_ROW,
            )
        )
    return incompatible(
        Reason(
            code="HPR404",
            message="nothing to bind for: no program in the image loads an MPI library",
            evidence=(f"no file in {facts.path.name} needs an MPI soname",),
            table_row=_ROW,
        )
    )


def _check_user(
    facts: ImageFacts, user: MpiUser, *, name: str, offered: tuple[MpiLibrary, ...]
) -> Verdict:
    library = library_for(user, offered)
    if user.needed == RUN_TIME:
        return _check_chooser(facts, user, name=name, offered=offered)
    if library is None:
        return _not_offered(facts, user, name=name, offered=offered)
    if own := _behind_rpath(facts, user):
        return incompatible(
            Reason(
                code="HPR306",
                message="the program's RPATH would load the image's own MPI, not the host's",
                evidence=(
                    user_found(facts, user),
                    f"its RPATH is {listed(user.rpath)}",
                    f"`{own.soname}` is at {in_image(facts, own.path)}",
                ),
                table_row=_ROW,
            )
        )
    own = _own_library(facts, user)
    return Verdict.worst_of(
        [
            _check_library(facts, user, own, library, name=name),
            check_companions(facts, user, own, library, name=name),
        ]
    )


def _check_library(
    facts: ImageFacts, user: MpiUser, own: MpiLibrary | None, library: MpiLibrary, *, name: str
) -> Verdict:
    """Judge the host's library in the place of the image's, by symbols where they were read."""
    replaced = check_replacement(own, library, name=name) if own else _alone(user, library, name)
    proof = check_symbols(facts, user, library, name=name)
    if proof is None or replaced.answer is Answer.INCOMPATIBLE:
        return replaced
    is_vendors = own is None and not mpi_abi().families_of(user.needed)
    if proof.answer is Answer.COMPATIBLE and (replaced.answer is Answer.COMPATIBLE or is_vendors):
        # Being older is no risk where every symbol that is needed is there.
        return proof
    return Verdict.worst_of([replaced, proof])


def _alone(user: MpiUser, library: MpiLibrary, name: str) -> Verdict:
    """Judge the host's library where the image has none of its own: the soname decides."""
    seen = f"`{library.path}` of `{name}` is the `{user.needed}` that {user.path} needs"
    if not mpi_abi().families_of(user.needed):
        message = f"cannot tell whether the program was built for the `{user.needed}` of `{name}`"
        return unknown(Reason("HPR303", message, (seen,), _ROW))
    return fits(f"mpi_abi.yaml soname `{user.needed}`", seen)


def _own_library(facts: ImageFacts, user: MpiUser) -> MpiLibrary | None:
    """Return the library of the image that a user would load without the host's."""
    return next(iter(libraries_of(user, facts.mpi, is_strict=True)), None)


def _check_chooser(
    facts: ImageFacts, user: MpiUser, *, name: str, offered: tuple[MpiLibrary, ...]
) -> Verdict:
    row = mpi_abi().chooser(user.path)
    if row is None or not user.families:
        return unknown(
            Reason(
                code="HPR303",
                message="cannot tell how this module would be told to use the host's MPI",
                evidence=(user_found(facts, user),),
                table_row=_ROW,
            )
        )
    if library_for(user, offered) is not None:
        return fits(
            f"mpi_abi.yaml chooser `{row.path_part}`",
            user_found(facts, user),
            f"`{name}` offers {listed(lib.soname for lib in offered)}",
        )
    return incompatible(
        Reason(
            code="HPR301",
            message=f"the image's module cannot run on the MPI family of host stack `{name}`",
            evidence=(
                user_found(facts, user),
                f"it takes {listed(user.families)}",
                f"`{name}` offers {listed(lib.soname for lib in offered)}",
            ),
            table_row=_ROW,
        )
    )


def _not_offered(
    facts: ImageFacts, user: MpiUser, *, name: str, offered: tuple[MpiLibrary, ...]
) -> Verdict:
    """Say why a host stack without the user's soname does not help: three ways to be wrong."""
    own = _own_library(facts, user)
    offers = f"`{name}` offers {listed(lib.soname for lib in offered)}"
    families = mpi_abi().families_of(user.needed)
    if own is not None and is_known(own.family):
        families = (own.family,)
    row = _soname_row(user.needed)
    if families and not any(lib.family in families for lib in offered):
        theirs = ", ".join(dict.fromkeys(family_name(lib.family) for lib in offered))
        ours = " or ".join(map(family_name, families))
        code = "HPR301"
        message = f"the program was built for {ours}, host stack `{name}` is {theirs}"
        where = ""
    elif own is not None:
        code = "HPR306"
        message = "binding would do nothing: the image's own MPI would be loaded silently"
        where = f"`{own.soname}` is at {in_image(facts, own.path)}"
    else:
        code = "HPR305"
        message = f"host stack `{name}` has no `{user.needed}`, which the program needs"
        where = ""
    found = tuple(line for line in (user_found(facts, user), where, offers) if line)
    return incompatible(Reason(code=code, message=message, evidence=found, table_row=row))


def _soname_row(soname: str) -> str:
    return f"mpi_abi.yaml soname `{soname}`" if mpi_abi().families_of(soname) else _ROW


def _behind_rpath(facts: ImageFacts, user: MpiUser) -> MpiLibrary | None:
    """Return the image's library that DT_RPATH finds before LD_LIBRARY_PATH is asked."""
    if user.is_found_by_rpath:
        return next((library for library in facts.mpi if library.path == user.library), None)
    if not user.rpath or user.runpath or user.rule:
        return None
    origin = posixpath.dirname(user.path)
    folders = {
        posixpath.normpath(part.replace("${ORIGIN}", origin).replace("$ORIGIN", origin))
        for part in user.rpath
    }
    for library in facts.mpi:
        if library.soname == user.needed and posixpath.dirname(library.path) in folders:
            return library
    return None
