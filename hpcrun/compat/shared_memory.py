"""Can ranks on one node share memory though each has a user namespace of its own; judges no PMI.

Two ways break: reading another process (CMA), and opening its memory through /proc (UCX). The plan
sets what turns them off where that is possible; what it sets stands in tables/mpi_settings.yaml.
"""

from collections.abc import Mapping

from hpcrun.compat.evidence import (
    asked,
    fits,
    in_classes,
    in_profile,
    incompatible,
    library_name,
    unknown,
)
from hpcrun.compat.runtime import check_feature
from hpcrun.model.base import is_known
from hpcrun.model.image import Family, MpiLibrary
from hpcrun.model.nodes import NodeClass
from hpcrun.model.site import Site
from hpcrun.model.verdict import Answer, Force, Reason, Verdict
from hpcrun.tables.mpi_families import mpi_families
from hpcrun.tables.mpi_settings import mpi_setting

_ROW = asked("shared-memory")
_MVAPICH = "MV2_SMP_USE_CMA"


def check_shared_memory(  # noqa: PLR0913  the library, where it runs, and how
    library: MpiLibrary,
    found: str,
    site: Site,
    classes: Mapping[str, NodeClass],
    *,
    ranks_per_node: int,
    env: Mapping[str, str],
    is_emulated: bool = False,
) -> Verdict:
    """Judge the memory that ranks of one library share on a node, in containers without setuid.

    `found` says what the library is and where it lies.
    """
    mode = f"{in_profile(site, 'runtime.mode')}: {site.runtime.mode}"
    if ranks_per_node < 2:  # noqa: PLR2004
        return fits(_ROW, "one rank on each node shares no memory")
    if site.runtime.mode == "setuid" and not is_emulated:
        return fits(_ROW, mode, f"{ranks_per_node} ranks on a node")
    # Emulated ranks cannot read each other's memory either, and have no PSM2.
    what = None if is_emulated else _unsettled(library, classes, env)
    if what is None:
        return Verdict.worst_of(
            fits(row, mode, found, f"{ranks_per_node} ranks on a node") for row in _settled(library)
        )
    is_sure = site.runtime.mode == "userns"
    doubt = "cannot" if is_sure else "may not be able to"
    message = f"ranks of {library_name(library)} on one node {doubt} read each other's memory"
    seen = [mode, found, what]
    one = check_feature(site, "sharens")
    if one.answer is Answer.COMPATIBLE:
        seen.append(f"one user namespace for all ranks of a node: {one.grounds[0].evidence[0]}")
    if omni := _omni_path(classes):
        seen.append(in_classes(site, omni, "fabric.kind") + ": omni-path")
    reason = Reason(code="HPR517", message=message, evidence=tuple(seen), table_row=_ROW)
    if not is_sure:
        return unknown(reason, force=Force.SKIPS)
    return incompatible(reason, force=Force.WARNS)


def _settled(library: MpiLibrary) -> tuple[str, ...]:
    """Name the rows by which a plan settles it for a library, or the question's own."""
    rows = [mpi_setting(name) for name in ("openmpi-4-cma", "mpich-cma", "ucx-posix")]
    version = library.version if is_known(library.version) else None
    family = mpi_families().family_inside(library.family, library.implementation)
    uses_ucx = any(use.kind == "ucx" for use in library.fabrics)
    fitting = [
        row.id
        for row in rows
        if row.fits(family, version, frozenset(row.when)) and (row.id != "ucx-posix" or uses_ucx)
    ]
    return tuple(f"mpi_settings.yaml row `{row}`" for row in fitting) or (_ROW,)


def _unsettled(
    library: MpiLibrary, classes: Mapping[str, NodeClass], env: Mapping[str, str]
) -> str | None:
    """Say what of a library nothing that a plan sets turns off."""
    if any(use.kind == "psm2" for use in library.fabrics) and any(_omni_path(classes)):
        return "PSM2 reads other ranks' memory, and cannot be told not to"
    is_mvapich = library.family == Family.MPICH and library.implementation == "mvapich"
    if is_mvapich and env.get(_MVAPICH) != "0":
        return f"it reads other ranks' memory unless `{_MVAPICH}` is 0"
    return None


def _omni_path(classes: Mapping[str, NodeClass]) -> tuple[str, ...]:
    return tuple(name for name, node in classes.items() if node.fabric.kind == "omni-path")
