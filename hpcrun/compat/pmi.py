"""Will this type of `srun --mpi` let the ranks of this MPI library find each other.

Never looks at the soname: that is the bind model's question (compat/mpi_abi.py).
"""

from typing import NamedTuple

from hpcrun.compat.evidence import (
    asked,
    family_name,
    fits,
    in_profile,
    incompatible,
    listed,
    unknown,
)
from hpcrun.compat.pmix_pair import PmixServer, check_pmix_pair
from hpcrun.model.base import UNKNOWN, Unknown, is_known, known
from hpcrun.model.image import Family, PmiAbility
from hpcrun.model.site import Site
from hpcrun.model.verdict import Reason, Verdict
from hpcrun.tables import pmi

_ROW = asked("pmi")
_OFFERED = asked("launcher-offered")


class PmiClient(NamedTuple):
    """The MPI library that would be started, as far as its PMI goes."""

    family: Family | Unknown
    version: str | Unknown
    abilities: tuple[PmiAbility, ...] | Unknown
    found: str
    """What it is and where it was found."""
    is_vouched: bool = False
    """Whether the profile itself says that this library works with the site's Slurm."""
    library_name: str | Unknown = UNKNOWN
    """What people call its implementation."""
    implementation: str | Unknown = UNKNOWN
    """Its row in mpi_families.yaml."""
    device: str | None = None
    """MPICH's, as in `MpiLibrary`."""

    @property
    def make(self) -> str | Unknown:
        """Its implementation; Open MPI where only that family is known."""
        if is_known(self.implementation) or self.family != Family.OPENMPI:
            return self.implementation
        return "open-mpi"

    @property
    def name(self) -> str:
        """What messages call it."""
        own = self.library_name
        name = own if is_known(own) else family_name(self.family)
        return f"{name} {self.version}" if is_known(self.version) else name


def check_pmi(client: PmiClient, srun_type: str, site: Site) -> Verdict:
    """Judge one type of `srun --mpi` for one library."""
    offered = check_offered(srun_type, site)
    served = _check_served(client, srun_type, site)
    return Verdict.worst_of([offered, served])


def check_offered(srun_type: str, site: Site) -> Verdict:
    """Judge whether the site's srun has this type at all."""
    types = site.scheduler.mpi_types
    key = in_profile(site, "scheduler.mpi_types")
    if not is_known(types):
        if srun_type in site.named_mpi_types:
            return fits(_OFFERED, f"profile `{site.name}` names `{srun_type}` as in use")
        return unknown(
            Reason(
                code="HPR401",
                message=f"cannot tell whether the site's srun offers `--mpi={srun_type}`",
                evidence=(f"{key} is unknown",),
                table_row=_OFFERED,
            )
        )
    if srun_type in types or srun_type == "none":
        return fits(_OFFERED, f"{key} lists {listed(types)}")
    return incompatible(
        Reason(
            code="HPR401",
            message=f"the site's srun does not offer `--mpi={srun_type}`",
            evidence=(f"{key} lists {listed(types)}",),
            table_row=_OFFERED,
        )
    )


def abilities_used(client: PmiClient, srun_type: str) -> tuple[PmiAbility, ...]:
    """Return the abilities of the kind by which the library would be wired up, if any."""
    row = pmi().srun_type(srun_type)
    if row is None or not is_known(client.abilities):
        return ()
    preferred = pmi().preference(client.family) if is_known(client.family) else None
    for kind in sorted(row.serves, key=preferred.kinds.index) if preferred else row.serves:
        if fitting := tuple(a for a in client.abilities if a.kind == kind):
            return fitting
    return ()


def _check_served(client: PmiClient, srun_type: str, site: Site) -> Verdict:
    row = pmi().srun_type(srun_type)
    if row is None:
        return unknown(
            Reason(
                code="HPR402",
                message=f"cannot tell which PMI `--mpi={srun_type}` serves",
                evidence=("no row in pmi.yaml for this type",),
                table_row=_ROW,
            )
        )
    if row.may_be_served(client.family, client.implementation):
        return unknown(
            Reason(
                code="HPR402",
                message=f"cannot tell whether `--mpi={srun_type}` serves this build: {client.name}",
                evidence=(client.found,),
                table_row=f"pmi.yaml row `{row.id}`",
            )
        )
    if not row.serves:
        return _unserved(client, srun_type, row.id)
    if not is_known(client.abilities):
        return unknown(
            Reason(
                code="HPR402",
                message=f"cannot tell which PMI {client.name} was built with",
                evidence=(client.found,),
                table_row=_ROW,
            )
        )
    used = abilities_used(client, srun_type)
    if not used:
        return _unserved(client, srun_type, row.id)
    speaks = tuple(f"{ability.kind}: {ability.evidence}" for ability in used)
    served = fits(f"pmi.yaml row `{row.id}`", client.found, *speaks)
    pairs = (_check_pair(client, a, site, srun_type) for a in used if a.kind == "pmix")
    return Verdict.worst_of([served, *pairs])


def _unserved(client: PmiClient, srun_type: str, row_id: str) -> Verdict:
    abilities = known(client.abilities)
    speaks = listed(dict.fromkeys(a.kind for a in abilities)) if abilities else "an unknown PMI"
    outcome = None
    if is_known(client.family):
        version = client.version if is_known(client.version) else "9998"
        outcome = pmi().outcome(client.family, version)
    consequence = outcome.outcome if outcome else "the ranks would not find each other"
    return incompatible(
        Reason(
            code="HPR401",
            message=f"`--mpi={srun_type}` does not serve {client.name}: {consequence}",
            evidence=(
                client.found,
                f"it speaks {speaks}",
                *(ability.evidence for ability in (abilities or ())),
            ),
            table_row=f"pmi.yaml row `{row_id}`",
        )
    )


def _check_pair(client: PmiClient, ability: PmiAbility, site: Site, srun_type: str) -> Verdict:
    if client.is_vouched and not is_known(ability.version):
        return fits(_ROW, f"profile `{site.name}` vouches for it: {ability.evidence}")
    return check_pmix_pair(ability, pmix_server(site, srun_type))


def pmix_server(site: Site, srun_type: str) -> PmixServer:
    """Return the PMIx that a type of `srun --mpi` serves with."""
    told = site.scheduler.pmix
    version = told.server if told else UNKNOWN
    found = in_profile(site, "scheduler.pmix.server")
    major = srun_type.rpartition("_v")[2]
    if major.isdecimal() and not (is_known(version) and version.split(".")[0] == major):
        # Slurm has a plugin of its own for each major version, and the profile tells of another.
        # Of 2 and 3 it depends on the minor version who is served.
        version = major if major not in ("2", "3") else UNKNOWN
        found = f"`--mpi={srun_type}` is Slurm's plugin for PMIx {major}"
        told = None
    return PmixServer(
        version,
        found=found,
        whose="the site",
        slurm=known(site.scheduler.version),
        psec=told.psec if told else UNKNOWN,
        gds=told.gds if told else UNKNOWN,
    )
