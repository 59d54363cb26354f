"""Will the ranks of an MPI library find each other under mpirun or mpiexec of some MPI.

Under srun that is another question (compat/pmi.py), and the soname never has to do with it.
"""

from typing import NamedTuple

from hpcrun.compat.evidence import asked, fits, in_profile, incompatible, listed, unknown
from hpcrun.compat.pmi import PmiClient
from hpcrun.compat.pmix_pair import NO_SLURM, PmixServer, check_pmix_pair
from hpcrun.model.base import UNKNOWN, Unknown, is_known, known
from hpcrun.model.image import PmiAbility
from hpcrun.model.site import Site
from hpcrun.model.verdict import Answer, Force, Reason, Verdict
from hpcrun.tables import pmi
from hpcrun.tables.process_managers import ManagerRow, process_managers
from hpcrun.tables.versions import version_key

_ROW = asked("process-manager")
_OFFERED = asked("launcher-offered")
_DAEMONS = asked("daemons")
_ANY_VERSION = "9998"
_SILENT = "the job would end with exit code 0 all the same"


class Manager(NamedTuple):
    """What a launcher of some MPI starts ranks with."""

    launcher: str
    """`mpirun` or `mpiexec`."""
    of: str
    """Whose it is, as messages say it: `Open MPI 5.0.11`."""
    rows: tuple[ManagerRow, ...]
    """What it may be; none where nobody can tell."""
    version: str | Unknown
    """Of the MPI that brings it."""
    pmix: str | Unknown
    found: str
    """What it is and where it was found."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"`{self.launcher}` of {self.of}"


def check_launcher_there(site: Site, launcher: str, stack: str | None) -> Verdict:
    """Judge whether the site has this launcher, of a host stack where one is named."""
    told = site.launchers.get(launcher)
    key = in_profile(site, f"launchers.{launcher}.works")
    if told is not None and told.works is False:
        reason = Reason(
            code="HPR410",
            message=f"`{launcher}` does not work at site `{site.name}`",
            evidence=(f"{key} is false", *((told.note,) if told.note else ())),
            table_row=_OFFERED,
        )
        return incompatible(reason)
    if stack is not None:
        return fits(_OFFERED, f"host stack `{stack}` of profile `{site.name}` has `{launcher}`")
    if told is not None:
        reason = Reason(
            code="HPR411",
            message=f"cannot tell which MPI `{launcher}` of site `{site.name}` belongs to",
            evidence=(f"`launchers.{launcher}` of the profile is of none of its MPI stacks",),
            table_row=_OFFERED,
        )
        return unknown(reason)
    has = f"MPI stacks of profile `{site.name}`: {listed(site.mpi_stacks)}, none with `{launcher}`"
    return incompatible(
        Reason(
            code="HPR410",
            message=f"site `{site.name}` has no `{launcher}` that hpcrun knows of",
            evidence=(has,),
            table_row=_OFFERED,
        )
    )


def check_daemons(manager: Manager, site: Site, *, n_nodes: int) -> Verdict:
    """Judge whether a launcher reaches the job's other nodes: its daemons run on the host."""
    told = site.launchers.get(manager.launcher)
    kind = site.scheduler.kind
    if n_nodes == 1:
        return fits(_DAEMONS, f"one node is asked for: {manager.name} starts its ranks itself")
    if told is not None and told.works is True:
        works = in_profile(site, f"launchers.{manager.launcher}.works")
        return fits(_DAEMONS, f"{works} is true")
    if manager.rows and all(kind in row.reaches for row in manager.rows):
        return fits(
            f"process_managers.yaml row `{manager.rows[0].id}`",
            f"{manager.name} starts its daemons by the site's scheduler, {kind}",
        )
    return unknown(
        Reason(
            code="HPR411",
            message=f"cannot tell whether {manager.name} starts daemons on {n_nodes} nodes",
            evidence=(manager.found, f"nothing tells whether it was built for {kind}"),
            table_row=_DAEMONS,
        ),
        force=Force.SKIPS,
    )


def check_managed(client: PmiClient, manager: Manager) -> Verdict:
    """Judge one library under one process manager."""
    if not manager.rows:
        return unknown(
            Reason(
                code="HPR411",
                message=f"cannot tell which PMI {manager.name} serves",
                evidence=(manager.found,),
                table_row=_ROW,
            )
        )
    verdicts = [_check_row(client, manager, row) for row in manager.rows]
    if len({verdict.answer for verdict in verdicts}) == 1:
        return verdicts[0]
    return unknown(
        Reason(
            code="HPR411",
            message=f"cannot tell whether {manager.name} serves {client.name}",
            evidence=(client.found, manager.found, _may_be(manager)),
            table_row=_ROW,
        )
    )


def _may_be(manager: Manager) -> str:
    return f"its version is {manager.version}: it may be {listed(row.id for row in manager.rows)}"


def _check_row(client: PmiClient, manager: Manager, row: ManagerRow) -> Verdict:
    if row.same_release:
        return _check_release(client, manager, row)
    if verdict := _check_exceptions(client, manager, row):
        return verdict
    if row.may_serve is not None and client.family in (row.may_serve, UNKNOWN):
        return unknown(
            Reason(
                code="HPR411",
                message=f"cannot tell whether {manager.name} serves this build: {client.name}",
                evidence=(client.found, manager.found),
                table_row=f"process_managers.yaml row `{row.id}`",
            )
        )
    return _check_kinds(client, manager, row)


def _check_exceptions(client: PmiClient, manager: Manager, row: ManagerRow) -> Verdict | None:
    """Return what is known of these two releases beyond the PMI that they have in common."""
    versions = (known(manager.version), known(client.version))
    pair = process_managers().pair(
        row,
        versions[0],
        family=client.family,
        implementation=client.make,
        client=versions[1],
    )
    if pair is None:
        return None
    table_row = f"process_managers.yaml row `{pair.id}`"
    if pair.answer is Answer.COMPATIBLE and pair.is_about_all(*versions):
        return fits(table_row, client.found, manager.found)
    is_sure = pair.answer is Answer.INCOMPATIBLE and pair.is_about_all(*versions)
    verb = "does not serve" if is_sure else "may not serve"
    reason = Reason(
        code="HPR411",
        message=f"{manager.name} {verb} {client.name}: {pair.outcome}",
        evidence=(
            *(client.found, manager.found),
            *((pair.reason,) if pair.reason else ()),
            *((_SILENT,) if pair.is_silent else ()),
        ),
        table_row=table_row,
    )
    return incompatible(reason) if is_sure else unknown(reason)


def _check_release(client: PmiClient, manager: Manager, row: ManagerRow) -> Verdict:
    """Judge a manager that talks to libraries of its own release alone."""
    seen = (client.found, manager.found)
    own = client.make in (*row.implementations, UNKNOWN)
    is_told = is_known(client.version) and is_known(manager.version)
    if own and not is_told:
        message = f"cannot tell whether {manager.name} is of the release of {client.name}"
        reason = Reason(
            code="HPR411",
            message=message,
            evidence=seen,
            table_row=f"process_managers.yaml row `{row.id}`",
        )
        return unknown(reason)
    if own and version_key(client.version) == version_key(manager.version):
        return fits(f"process_managers.yaml row `{row.id}`", *seen)
    return _unserved(client, manager, row)


def managed_abilities(client: PmiClient, row: ManagerRow) -> tuple[PmiAbility, ...]:
    """Return the abilities of the kind by which a manager would wire the library up."""
    if not is_known(client.abilities):
        return ()
    preferred = pmi().preference(client.family) if is_known(client.family) else None
    kinds = sorted(row.serves, key=preferred.kinds.index) if preferred else row.serves
    for kind in kinds:
        if fitting := tuple(a for a in client.abilities if a.kind == kind):
            return fitting
    return ()


def _check_kinds(client: PmiClient, manager: Manager, row: ManagerRow) -> Verdict:
    if not is_known(client.abilities):
        return unknown(
            Reason(
                code="HPR402",
                message=f"cannot tell which PMI {client.name} was built with",
                evidence=(client.found, manager.found),
                table_row=f"process_managers.yaml row `{row.id}`",
            )
        )
    used = managed_abilities(client, row)
    if not used:
        return _unserved(client, manager, row)
    speaks = tuple(f"{ability.kind}: {ability.evidence}" for ability in used)
    served = fits(f"process_managers.yaml row `{row.id}`", client.found, manager.found, *speaks)
    server = PmixServer(manager.pmix, manager.found, whose=manager.name, slurm=NO_SLURM)
    pairs = (check_pmix_pair(ability, server) for ability in used if ability.kind == "pmix")
    return Verdict.worst_of([served, *pairs])


def _unserved(client: PmiClient, manager: Manager, row: ManagerRow) -> Verdict:
    """Say what becomes of ranks that nobody serves."""
    version = client.version if is_known(client.version) else _ANY_VERSION
    outcome = process_managers().outcome(
        row, family=client.family, implementation=client.make, client=version
    )
    abilities = known(client.abilities) or ()
    return incompatible(
        Reason(
            code="HPR411",
            message=f"{manager.name} does not serve {client.name}: {outcome.outcome}",
            evidence=(
                client.found,
                manager.found,
                f"it serves {listed(row.serves)}, the library speaks "
                f"{listed(dict.fromkeys(ability.kind for ability in abilities))}",
                *((_SILENT,) if outcome.is_silent else ()),
            ),
            table_row=f"process_managers.yaml row `{outcome.id}`",
        )
    )
