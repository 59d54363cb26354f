"""Cases of the rules about launchers, PMI and how ranks find each other."""

from typing import Any

from tests.unit.rules.given import MPICH, Case, Given, stacks


def _with_launchers(*names: str) -> dict[str, Any]:
    described = stacks(*names)["mpi_stacks"]
    makes = {"mpich-4.3.2": "MPICH"}
    return {
        "mpi_stacks": {
            name: stack | {"launchers": ["mpirun"], "implementation": makes.get(name, "Open MPI")}
            for name, stack in described.items()
        }
    }


LAUNCH: dict[str, Case] = {
    "HPR410": Case(
        fires=Given(site=stacks()),
        silent=Given(site=_with_launchers("openmpi-5.0.11")),
        fires_too=("HPR407",),
    ),
    "HPR411": Case(
        fires=Given(image=MPICH, site=_with_launchers("openmpi-5.0.11")),
        silent=Given(image=MPICH, site=_with_launchers("openmpi-5.0.11", "mpich-4.3.2")),
        fires_too=("HPR407",),
    ),
    "HPR412": Case(silent_job="mpi: {model: hybrid}", fires_too=("HPR407",)),
}
