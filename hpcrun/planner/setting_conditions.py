"""Which conditions of tables/mpi_settings.yaml a candidate meets; sets no variable."""

from hpcrun.compat.pmi import PmiClient, abilities_used, pmix_server
from hpcrun.compat.process_manager import managed_abilities
from hpcrun.model.base import UNKNOWN, Unknown, is_known, known
from hpcrun.model.plan import Layout
from hpcrun.planner.candidates import Shape
from hpcrun.planner.judge import Judgement
from hpcrun.planner.layout import tasks_on_fullest_node
from hpcrun.planner.managers import stack_manager
from hpcrun.planner.question import Question
from hpcrun.tables import pmi
from hpcrun.tables.versions import version_key


def setting_conditions(
    question: Question, layout: Layout, shape: Shape, judgement: Judgement
) -> frozenset[str]:
    """Return which conditions hold."""
    conditions = set()
    if tasks_on_fullest_node(layout) > 1:
        conditions.add("shared-node")
    if shape.execution == "emulated":
        conditions.add("emulated")
    if question.site.runtime.mode != "setuid" or shape.execution == "emulated":
        conditions.add("separate-namespaces")
    client = judgement.client
    if client is not None:
        conditions |= _pmix_conditions(question, shape, client)
    return frozenset(conditions)


def _pmix_conditions(question: Question, shape: Shape, client: PmiClient) -> set[str]:
    server, versions = _pmix_sides(question, shape, client)
    if not versions:
        return set()
    conditions = {"pmix"}
    if any(not _is_same(server, version) for version in versions):
        conditions.add("pmix-versions-differ")
    if shape.srun_mpi is None:
        return conditions
    psec = pmix_server(question.site, shape.srun_mpi).psec
    if is_known(psec) and "native" in psec and _takes_native(client):
        conditions.add("psec-native")
    return conditions


def _pmix_sides(
    question: Question, shape: Shape, client: PmiClient
) -> tuple[str | Unknown, tuple[str, ...]]:
    """Return the server's PMIx, and those that the client may speak: none if wired up otherwise."""
    if shape.srun_mpi is not None:
        served = pmi().srun_type(shape.srun_mpi)
        serves = served.serves if served is not None else ()
        server = pmix_server(question.site, shape.srun_mpi).version
        used = abilities_used(client, shape.srun_mpi)
    elif shape.mpi_stack is not None:
        manager = stack_manager(question, shape.mpi_stack, shape.launcher)
        rows = manager.rows[:1]
        serves = rows[0].serves if rows else ()
        server = manager.pmix
        used = managed_abilities(client, rows[0]) if rows else ()
    else:
        return UNKNOWN, ()
    if not is_known(client.abilities):
        return server, (UNKNOWN,) if "pmix" in serves else ()
    return server, tuple(ability.version for ability in used if ability.kind == "pmix")


def _takes_native(client: PmiClient) -> bool:
    """Whether a client has the psec module `native`, as far as anybody knows."""
    abilities = known(client.abilities) or ()
    return all(not is_known(a.psec) or "native" in a.psec for a in abilities)


def _is_same(server: str, client: str) -> bool:
    """Whether two PMIx versions are known and equal; a release candidate counts as its release."""
    return UNKNOWN not in (server, client) and version_key(server) == version_key(client)
