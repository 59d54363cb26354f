"""Do a PMIx client in an MPI library and a PMIx server of whatever started it work together."""

from typing import NamedTuple

from hpcrun.compat.evidence import asked, fits, incompatible, listed, unknown
from hpcrun.model.base import UNKNOWN, Unknown, is_known
from hpcrun.model.image import PmiAbility
from hpcrun.model.verdict import Answer, Force, Reason, Verdict
from hpcrun.tables import pmix

_ROW = asked("pmi")
_MODULES = asked("pmix-modules")
_DOUBTS = {Answer.UNKNOWN: "cannot vouch for", Answer.INCOMPATIBLE: "cannot use"}

NO_SLURM = "9999"
"""In place of Slurm's version where another launcher serves: newer than all that rows are about."""


class PmixServer(NamedTuple):
    """The PMIx of whatever starts the ranks."""

    version: str | Unknown
    found: str
    """Where that was found."""
    whose: str
    """`the site`, or the launcher."""
    slurm: str | None = None
    """Version of Slurm; None where it is not known."""
    psec: tuple[str, ...] | Unknown = UNKNOWN
    """Its security modules."""
    gds: tuple[str, ...] | Unknown = UNKNOWN
    """Its data stores."""


def check_pmix_pair(ability: PmiAbility, server: PmixServer) -> Verdict:
    """Judge one client with one server: their versions, and their modules where both are known."""
    verdicts = [_check_versions(ability, server)]
    if server.psec == ("munge",) and not is_known(ability.psec):
        verdicts.append(_munge_alone(ability, server))
    elif is_known(ability.psec) and is_known(server.psec):
        verdicts.append(_check_modules(ability, server, "psec", ability.psec, server.psec))
    if is_known(ability.gds) and is_known(server.gds):
        verdicts.append(_check_modules(ability, server, "gds", ability.gds, server.gds))
    return Verdict.worst_of(verdicts)


def _munge_alone(ability: PmiAbility, server: PmixServer) -> Verdict:
    """Doubt a client of unknown modules before a server that insists on munge (openpmix#3731)."""
    seen = (ability.evidence, f"psec modules of the server: `munge`: {server.found}")
    message = f"cannot tell whether the library's PMIx has `munge`, on which {server.whose} insists"
    return unknown(Reason("HPR413", message, seen, _MODULES), force=Force.WARNS)


def _check_modules(
    ability: PmiAbility,
    server: PmixServer,
    kind: str,
    ours: tuple[str, ...],
    theirs: tuple[str, ...],
) -> Verdict:
    """Judge the modules of one kind: one in common is needed, which variables then choose."""
    # The module `none` is there in most builds and is never taken by itself.
    common = [name for name in ours if name in theirs and name != "none"]
    seen = (
        f"{kind} modules of the client: {listed(ours)}: {ability.evidence}",
        f"{kind} modules of the server: {listed(theirs)}: {server.found}",
    )
    if not common:
        message = f"PMIx of the library and of {server.whose} share no {kind} module"
        return incompatible(Reason("HPR413", message, seen, _MODULES))
    if common == ["munge"]:
        message = f"PMIx of the library and of {server.whose} share `munge` alone"
        return unknown(Reason("HPR413", message, seen, _MODULES), force=Force.WARNS)
    return fits(_MODULES, *seen)


def _check_versions(ability: PmiAbility, server: PmixServer) -> Verdict:
    seen = (
        f"PMIx client {ability.version}: {ability.evidence}",
        f"PMIx server {server.version}: {server.found}",
    )
    if UNKNOWN in (server.version, ability.version):
        side = "client" if is_known(server.version) else "server"
        return unknown(
            Reason(
                code="HPR405",
                message=f"cannot tell the version of the PMIx {side}",
                evidence=seen,
                table_row=_ROW,
            )
        )
    row = pmix().pair(server=server.version, client=ability.version, slurm=server.slurm)
    if row.answer is Answer.COMPATIBLE:
        return fits(f"pmix.yaml row `{row.id}`", *seen)
    reason = Reason(
        code="HPR405",
        message=(
            f"{_DOUBTS[row.answer]} PMIx {ability.version} of the library "
            f"with PMIx {server.version} of {server.whose}"
        ),
        evidence=(*seen, *((row.reason,) if row.reason else ())),
        table_row=f"pmix.yaml row `{row.id}`",
    )
    return Verdict(answer=row.answer, reasons=(reason,))
