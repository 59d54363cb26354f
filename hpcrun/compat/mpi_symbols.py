"""Does a host's MPI library offer every symbol that a program needs; looks at no version.

Where both sides were read this is a proof, one way or the other. Where the host's library was not,
the symbols of its release stand in, and the verdict says so.
"""

import re

from hpcrun.compat.evidence import (
    asked,
    family_name,
    fits,
    incompatible,
    listed,
    unknown,
    user_found,
)
from hpcrun.model.base import is_known
from hpcrun.model.image import ImageFacts, MpiLibrary, MpiUser
from hpcrun.model.site import MpiStack
from hpcrun.model.verdict import Reason, Verdict
from hpcrun.tables.mpi_symbols import mpi_symbols

_C_NAME = re.compile(r"P?MPI[XT]?_[A-Z].*[a-z].*|O?MPI_[A-Z0-9_]+|ompi_.*")
"""Names of the C interface, as against those that Fortran's and C++'s own libraries define."""
_SHOWN = 3
_ROW = asked("mpi-abi")


def check_symbols(
    facts: ImageFacts, user: MpiUser, library: MpiLibrary, *, name: str
) -> Verdict | None:
    """Judge a program on a library that was read; None where one of them was not."""
    if library.exports is None or not is_known(user.symbols):
        return None
    languages = {companion.soname: companion for companion in library.companions}
    offered = [c.exports.names for c in languages.values() if c.exports is not None]
    needed = user.symbols.names
    if not set(user.companions) <= set(languages):
        # The image's own Fortran library would be loaded beside the host's MPI.
        needed = frozenset(filter(_C_NAME.fullmatch, needed))
    lacking = sorted(needed.difference(library.exports.names, *offered))
    if not lacking:
        return fits(
            _ROW,
            user_found(facts, user),
            f"`{library.path}` of `{name}` defines all {len(needed)} symbols of MPI that it needs",
        )
    return incompatible(
        Reason(
            code="HPR307",
            message=f"host stack `{name}` lacks `{lacking[0]}`, which the program needs",
            evidence=(
                user_found(facts, user),
                f"it needs {len(needed)} symbols of MPI, of which `{library.path}` "
                f"defines {len(needed) - len(lacking)}",
                f"not defined: {listed(lacking[:_SHOWN])}{_more(lacking)}",
            ),
            table_row=_ROW,
        )
    )


def check_release(facts: ImageFacts, user: MpiUser, stack: MpiStack, *, name: str) -> Verdict:
    """Judge a program by what the release that a profile names is known to define."""
    known = None
    if is_known(stack.family) and is_known(stack.version):
        known = mpi_symbols().of_release(stack.family, stack.version)
    if known is None or not is_known(user.symbols):
        return unknown(
            Reason(
                code="HPR303",
                message=f"cannot tell what host stack `{name}` offers: nothing was read about it",
                evidence=(f"no passport of `{stack.prefix}`",),
                table_row=_ROW,
            )
        )
    needed = frozenset(filter(_C_NAME.fullmatch, user.symbols.names))
    lacking = sorted(needed - known.names)
    release = f"{family_name(stack.family)} {known.release}"
    told = f"lacks {listed(lacking[:_SHOWN])}{_more(lacking)}" if lacking else "has them all"
    return unknown(
        Reason(
            code="HPR303",
            message=f"cannot tell what host stack `{name}` offers: only its release is known",
            evidence=(
                f"no passport of `{stack.prefix}`",
                user_found(facts, user),
                f"of the {len(needed)} C symbols that it needs, {release} as it was read {told}",
            ),
            table_row=f"mpi_symbols.yaml row `{known.id}`",
        )
    )


def _more(names: list[str]) -> str:
    return f" and {len(names) - _SHOWN} further" if len(names) > _SHOWN else ""
