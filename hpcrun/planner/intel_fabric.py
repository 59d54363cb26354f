"""What Intel MPI needs to find the libfabric that it brings; its own scripts would set it.

Measured with the wheels of Intel MPI 2021.10 and 2021.14: without FI_PROVIDER_PATH every rank
stops in MPI_Init, and on plain Ethernet ranks on two nodes do so without FI_PROVIDER.
"""

import posixpath

from hpcrun.model.base import is_known
from hpcrun.model.fabric import FabricLibrary
from hpcrun.model.image import MpiLibrary
from hpcrun.model.plan import PlannedVariable
from hpcrun.planner.candidates import Shape
from hpcrun.planner.question import Question
from hpcrun.tables.fabrics import fabrics

_VARIABLE = "FI_PROVIDER_PATH"


def own_libfabric(question: Question, shape: Shape, library: MpiLibrary) -> FabricLibrary | None:
    """Return the libfabric that an Intel MPI brings with itself, if it does."""
    if library.implementation != "intel-mpi":
        return None
    stack = question.stacks.get(shape.mpi_stack or "") if shape.model == "bind" else None
    facts = stack if stack is not None else question.images[shape.image_arch]
    folder = posixpath.dirname(library.path)
    used = {use.path for use in library.fabrics if use.kind == "libfabric" and use.path}
    for found in facts.fabrics:
        if found.path in used and found.parts and found.path.startswith(f"{folder}/"):
            return found
    return None


def provider_variables(
    question: Question, shape: Shape, path: str, image_env: dict[str, str]
) -> dict[str, PlannedVariable]:
    """Return what makes a libfabric at this path inside the container find its providers."""
    folder = posixpath.dirname(path)
    # From a folder of its own it has them below, else beside it (wheels of 2021.10 to 2021.15).
    place = f"{folder}/prov" if posixpath.basename(folder) == "libfabric" else folder
    why = "Intel MPI's own libfabric has its parts there"
    is_told = shape.model == "hybrid" and _VARIABLE in image_env
    planned = {} if is_told else {_VARIABLE: PlannedVariable(value=place, why=why)}
    kinds = [node.fabric.kind for node in question.classes.values()]
    is_plain = all(is_known(kind) and not fabrics().is_fast(kind) for kind in kinds)
    if is_plain and question.job.resources.nodes > 1:
        planned["FI_PROVIDER"] = PlannedVariable(
            value="tcp", why="on plain networks it takes shared memory, which reaches no other node"
        )
    return planned
