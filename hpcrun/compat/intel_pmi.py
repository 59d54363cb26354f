"""Does I_MPI_PMI_LIBRARY name a library that Intel MPI finds inside the container.

Without the variable Intel MPI speaks the PMI-1 that it has built in; with it nothing else.
"""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from hpcrun.compat.evidence import asked, fits, incompatible, unknown
from hpcrun.compat.pmi import PmiClient
from hpcrun.model.verdict import Force, Reason, Verdict

VARIABLE = "I_MPI_PMI_LIBRARY"
_ROW = asked("intel-pmi-library")


def check_pmi_library(
    client: PmiClient, environments: Iterable[tuple[str, Mapping[str, str]]], shown: Iterable[str]
) -> Verdict:
    """Judge what the first of some environments (with whose it is) sets for Intel MPI under srun.

    `shown` are folders of the host that the container sees.
    """
    if client.implementation != "intel-mpi":
        return fits(_ROW, f"{client.name} does not read `{VARIABLE}`")
    for whose, environment in environments:
        if VARIABLE in environment:
            return _check_value(client, environment[VARIABLE], whose, tuple(shown))
    return fits(_ROW, f"`{VARIABLE}` is not set: {client.name} takes its own PMI-1")


def _check_value(client: PmiClient, value: str, whose: str, shown: tuple[str, ...]) -> Verdict:
    seen = (client.found, f"{whose} sets `{VARIABLE}={value}`")
    if not value:
        message = f"an empty `{VARIABLE}` stops every rank of {client.name} in MPI_Init"
        return incompatible(Reason("HPR414", message, seen, _ROW))
    path = PurePosixPath(value)
    if any(path.is_relative_to(folder) for folder in shown):
        return fits(_ROW, *seen, "the folder is mounted")
    message = f"cannot tell whether `{VARIABLE}` names a file that is in the container"
    return unknown(Reason("HPR414", message, seen, _ROW), force=Force.WARNS)
