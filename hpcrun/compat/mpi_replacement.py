"""May a host's MPI library stand in for the image's of the same soname; looks at no program."""

from hpcrun.compat.evidence import (
    asked,
    compatible,
    family_name,
    fits,
    incompatible,
    library_name,
    unknown,
)
from hpcrun.model.base import is_known
from hpcrun.model.image import MpiLibrary
from hpcrun.model.verdict import Reason, Verdict
from hpcrun.tables import mpi_abi
from hpcrun.tables.mpi_abi import Replacement
from hpcrun.tables.versions import version_key

_ROW = asked("mpi-abi")


def check_replacement(own: MpiLibrary, host: MpiLibrary, *, name: str) -> Verdict:
    """Judge the host's library by family, versions and direction."""
    seen = (
        f"`{own.soname}` in the image is {library_name(own)} {own.version}",
        f"`{host.soname}` of `{name}` is {library_name(host)} {host.version}",
    )
    if own.family != host.family:
        ours, theirs = family_name(own.family), family_name(host.family)
        return incompatible(
            Reason(
                code="HPR301",
                message=f"the image's MPI is {ours}, host stack `{name}` is {theirs}",
                evidence=seen,
                table_row=_ROW,
            )
        )
    row = _replacement(own, host)
    if row is None:
        return unknown(
            Reason(
                code="HPR303",
                message=f"cannot tell whether `{name}` may stand in for the image's MPI",
                evidence=seen,
                table_row=_ROW,
            )
        )
    return _by_row(row, seen, name)


def _replacement(own: MpiLibrary, host: MpiLibrary) -> Replacement | None:
    if not (is_known(own.family) and is_known(own.version) and is_known(host.version)):
        return None
    is_backward = version_key(host.version) < version_key(own.version)
    return mpi_abi().replacement(
        own.soname,
        own.family,
        image_version=own.version,
        stack_version=host.version,
        direction="backward" if is_backward else "forward",
    )


def _by_row(row: Replacement, seen: tuple[str, ...], name: str) -> Verdict:
    row_name = f"mpi_abi.yaml row `{row.id}`"
    if not row.is_risky:
        return fits(row_name, *seen)
    return compatible(
        Reason(
            code="HPR302",
            message=f"host stack `{name}` is older than the MPI that the program was built for",
            evidence=(*seen, *((row.reason,) if row.reason else ())),
            table_row=row_name,
        ),
        table_row=row_name,
        evidence=seen,
    )
