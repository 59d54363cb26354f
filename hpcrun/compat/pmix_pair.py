"""Do a PMIx client in an MPI library and a PMIx server of whatever started it work together."""

from typing import NamedTuple

from hpcrun.compat.evidence import asked, fits, unknown
from hpcrun.model.base import UNKNOWN, Unknown, is_known
from hpcrun.model.image import PmiAbility
from hpcrun.model.verdict import Answer, Reason, Verdict
from hpcrun.tables import pmix

_ROW = asked("pmi")
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


def check_pmix_pair(ability: PmiAbility, server: PmixServer) -> Verdict:
    """Judge one client with one server."""
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
