"""Will this MPI library wire up when its programs are emulated; does not judge the emulator."""

from hpcrun.compat.evidence import COMPATIBLE, unknown
from hpcrun.compat.pmi import PmiClient
from hpcrun.model.verdict import Reason, Verdict
from hpcrun.tables import doubtful_under_emulation


def check_emulated_mpi(client: PmiClient) -> Verdict:
    """Judge one library: what was seen to fail now and then is not known to work."""
    row = doubtful_under_emulation(client.family, client.version)
    if row is None:
        return COMPATIBLE
    return unknown(
        Reason(
            code="HPR604",
            message=f"cannot tell whether {client.name} starts under emulation: {row.outcome}",
            evidence=(client.found,),
            table_row=f"emulators.yaml row `{row.id}`",
        )
    )
