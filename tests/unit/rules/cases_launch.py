"""Cases of the rules about launchers, PMI and how ranks find each other."""

from typing import Any

from hpcrun.model.image import ImageFacts
from hpcrun.model.mpi import MpiCompanion
from tests.unit.planner.measured import STACKS, ability, image, library, openmpi_image, user
from tests.unit.rules.given import MPICH, Case, Given, nodes, scheduler, stacks


def _with_launchers(*names: str) -> dict[str, Any]:
    described = stacks(*names)["mpi_stacks"]
    makes = {"mpich-4.3.2": "MPICH"}
    return {
        "mpi_stacks": {
            name: stack | {"launchers": ["mpirun"], "implementation": makes.get(name, "Open MPI")}
            for name, stack in described.items()
        }
    }


def _with_modules(**modules: tuple[str, ...]) -> ImageFacts:
    client = ability("pmix", "5.0.7").model_copy(update=modules)
    lib = library("openmpi", "5.0.7", "libmpi.so.40", client)
    return image(lib, users=(user("libmpi.so.40"),))


def _server(**modules: list[str]) -> dict[str, Any]:
    return scheduler(pmix={"server": "5.0.7", **modules}) | stacks()


def _pmi2() -> dict[str, Any]:
    return scheduler(mpi_types=["none", "pmi2"]) | stacks()


INTEL = image(
    library("mpich", "2021.10.0", "libmpi.so.12", ability("pmi1"), implementation="intel-mpi"),
    users=(user("libmpi.so.12"),),
)
_SIX = openmpi_image("6.0.0rc2", "7.0.0rc1")


def _fortran(version: str, companion: str = "libmpi_mpifh.so.40") -> ImageFacts:
    part = MpiCompanion(
        language="fortran", path=f"/usr/lib/{companion}", soname=companion, evidence="beside it"
    )
    lib = library(
        "openmpi",
        version,
        "libmpi.so.40",
        ability("pmix", "4.2.2"),
        companions=(part,),
        implementation="open-mpi",
    )
    return image(lib, users=(user("libmpi.so.40", companions=(companion,)),))


_CXX = image(
    users=(user("libmpi.so.40", companions=("libmpi_cxx.so.40",)),), sonames=("libm.so.6",)
)
_PLAIN = image(users=(user("libmpi.so.40"),), sonames=("libm.so.6",))
_MAKES = {
    name: facts.model_copy(
        update={
            "libraries": tuple(
                lib.model_copy(update={"implementation": "open-mpi"}) for lib in facts.libraries
            )
        }
    )
    for name, facts in STACKS.items()
    if name.startswith("openmpi")
}

LAUNCH: dict[str, Case] = {
    "HPR308": Case(
        fires=Given(image=_fortran("4.1.4"), site=stacks("openmpi-5.0.11"), stacks=_MAKES),
        silent=Given(image=_fortran("5.0.7"), site=stacks("openmpi-5.0.11"), stacks=_MAKES),
    ),
    "HPR309": Case(
        fires=Given(image=_CXX, site=stacks("openmpi-5.0.11"), stacks=_MAKES),
        silent=Given(image=_PLAIN, site=stacks("openmpi-5.0.11"), stacks=_MAKES),
    ),
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
    "HPR413": Case(
        fires=Given(image=_with_modules(psec=("native",)), site=_server(psec=["munge"])),
        silent=Given(image=_with_modules(psec=("native",)), site=_server(psec=["munge", "native"])),
    ),
    "HPR414": Case(
        fires=Given(image=INTEL, site=_pmi2()),
        silent=Given(image=INTEL, site=_pmi2()),
        silent_job="env: {I_MPI_DEBUG: '5'}",
    ),
    "HPR415": Case(
        fires=Given(image=_SIX, site=nodes(fabric={"kind": "ethernet"}) | stacks()),
        silent=Given(image=_SIX, site=nodes(fabric={"kind": "ethernet"}) | stacks()),
        silent_job="env: {OMPI_MCA_btl_tcp_if_include: eth0}",
    ),
    "HPR412": Case(silent_job="mpi: {model: hybrid}", fires_too=("HPR407",)),
}
