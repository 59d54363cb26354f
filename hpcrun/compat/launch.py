"""Do model, launcher and number of tasks make sense together; does not judge PMI or libraries."""

from functools import cache

from hpcrun.compat.evidence import (
    asked,
    fits,
    in_image,
    incompatible,
    library_found,
    unknown,
    unread,
    user_found,
)
from hpcrun.compat.need import MpiNeed
from hpcrun.model.base import is_known
from hpcrun.model.image import Family, ImageFacts, MpiLibrary
from hpcrun.model.verdict import Reason, Verdict
from hpcrun.tables.versions import version_key

_ROW = asked("image-mpi")
_ALONE = asked("without-mpi")
_INNER = asked("inner-launcher")


@cache
def check_supported(model: str, launcher: str) -> Verdict:
    """Judge whether this version of hpcrun can start ranks that way."""
    if model != "contained" and launcher == "srun":
        return fits(asked("launcher-offered"), f"hpcrun starts ranks by `{launcher}`")
    what = f"model `{model}`" if model == "contained" else f"launcher `{launcher}`"
    return incompatible(
        Reason(
            code="HPR407",
            message=f"{what} is not supported by this version of hpcrun",
            evidence=("it starts ranks by `srun` with models `hybrid`, `bind` and `none`",),
            table_row=asked("launcher-offered"),
        )
    )


def check_image_mpi(facts: ImageFacts, need: MpiNeed) -> Verdict:
    """Judge whether the image brings the MPI library that its programs need (hybrid)."""
    if need.libraries:
        return _check_unmet(facts, need)
    if not need.is_certain:
        return unknown(
            Reason(
                code="HPR204",
                message="cannot tell whether the image has an MPI library",
                evidence=unread(facts),
                table_row=_ROW,
            )
        )
    if need.is_absent and facts.mpi:
        return incompatible(
            Reason(
                code="HPR204",
                message="the program loads no MPI library, so the image's is of no use to it",
                evidence=_no_trace(facts),
                table_row=_ROW,
            )
        )
    return incompatible(
        Reason(
            code="HPR204",
            message="the image has no MPI library that its programs can load",
            evidence=(
                *(user_found(facts, user) for user in need.unmet[:2]),
                *(library_found(facts, library) for library in facts.mpi[:2]),
                *(() if facts.mpi else (f"no MPI library in {facts.path.name}",)),
            ),
            table_row=_ROW,
        )
    )


def _check_unmet(facts: ImageFacts, need: MpiNeed) -> Verdict:
    """Programs beside the job's own may lack their library; the job's own may not."""
    if not (need.unmet and need.has_direct_user):
        return fits(_ROW, *(library_found(facts, library) for library in need.libraries[:2]))
    return incompatible(
        Reason(
            code="HPR204",
            message="the image lacks an MPI library that the program needs",
            evidence=tuple(user_found(facts, user) for user in need.unmet[:3]),
            table_row=_ROW,
        )
    )


@cache
def check_no_pmi(launcher: str, srun_type: str | None) -> Verdict:
    """Judge what starts tasks that use no MPI."""
    if srun_type == "none":
        return fits(_ALONE, "`--mpi=none` leaves the tasks alone")
    what = f"`{launcher}`" if srun_type is None else f"`--mpi={srun_type}`"
    return incompatible(
        Reason(
            code="HPR404",
            message=f"model `none` uses no PMI, {what} would offer one",
            evidence=("only `srun --mpi=none` leaves the tasks alone",),
            table_row=_ALONE,
        )
    )


@cache
def check_no_srun() -> Verdict:
    """Judge starting ranks inside one container by Slurm's launcher (contained)."""
    return incompatible(
        Reason(
            code="HPR404",
            message="model `contained` starts ranks by the image's launcher, not by `srun`",
            evidence=("`srun` is outside the container",),
            table_row=_INNER,
        )
    )


def check_inner_launcher(
    facts: ImageFacts, library: MpiLibrary, launcher: str, *, n_nodes: int
) -> Verdict:
    """Judge starting ranks by the image's own launcher inside one container (contained)."""
    if n_nodes > 1:
        return incompatible(
            Reason(
                code="HPR412",
                message=f"`{launcher}` inside the container cannot reach {n_nodes} nodes",
                evidence=(
                    library_found(facts, library),
                    "it starts its daemons by `srun` or `ssh`, on nodes without the container",
                ),
                table_row=_INNER,
            )
        )
    own = [starter for starter in facts.starters if starter.kind not in ("pmix", "mvapich")]
    if own:
        seen = tuple(f"{starter.kind}: {in_image(facts, starter.path)}" for starter in own[:2])
        return fits(_INNER, library_found(facts, library), *seen)
    message = f"the image has no `{launcher}` that starts ranks of its MPI"
    reason = Reason(
        code="HPR412",
        message=message if facts.is_complete else "cannot tell whether the image has a launcher",
        evidence=(library_found(facts, library), *(() if facts.is_complete else unread(facts))),
        table_row=_INNER,
    )
    return incompatible(reason) if facts.is_complete else unknown(reason)


def check_without_mpi(
    facts: ImageFacts, need: MpiNeed, *, n_tasks: int, is_wished: bool
) -> Verdict:
    """Judge starting the tasks without any MPI (model none)."""
    is_stopped = bool(need.users) and not need.libraries
    if is_stopped and (need.has_direct_user or not is_wished):
        return check_image_mpi(facts, need)
    if is_wished:
        # What lies beside the job's program may need MPI; the job says that it is not used.
        return fits(_ALONE, "the job says that it uses no MPI")
    if n_tasks > 1:
        return _many_without_mpi(facts, need, n_tasks=n_tasks)
    return _one_without_mpi(facts, need)


def _many_without_mpi(facts: ImageFacts, need: MpiNeed, *, n_tasks: int) -> Verdict:
    if need.is_absent and need.is_certain:
        return incompatible(
            Reason(
                code="HPR204",
                message=f"{n_tasks} tasks are asked for, but the program uses no MPI",
                evidence=_no_trace(facts),
                table_row=_ALONE,
            )
        )
    if need.is_absent:
        return unknown(
            Reason(
                code="HPR204",
                message=f"{n_tasks} tasks are asked for; cannot tell whether it uses MPI",
                evidence=unread(facts),
                table_row=_ALONE,
            )
        )
    return incompatible(
        Reason(
            code="HPR401",
            message=f"without PMI the {n_tasks} tasks would be {n_tasks} jobs of one rank each",
            evidence=tuple(library_found(facts, library) for library in need.libraries[:2]),
            table_row=_ALONE,
        )
    )


def _no_trace(facts: ImageFacts) -> tuple[str, ...]:
    """Say where MPI was looked for."""
    found = [] if facts.mpi else [f"no MPI library in {facts.path.name}"]
    if facts.program is not None and facts.program.path is not None:
        found.append(f"{in_image(facts, facts.program.path)} loads none")
    return tuple(found)


def _one_without_mpi(facts: ImageFacts, need: MpiNeed) -> Verdict:
    """Judge one rank on its own: fine in most libraries, Open MPI 4 may stop in MPI_Init."""
    stopping = [
        library
        for library in need.libraries
        if library.family == Family.OPENMPI
        and not (is_known(library.version) and version_key(library.version) >= (5,))
    ]
    if not need.is_certain and need.is_absent:
        return unknown(
            Reason(
                code="HPR204",
                message="cannot tell whether the program needs MPI",
                evidence=unread(facts),
                table_row=_ALONE,
            )
        )
    if not stopping:
        return fits(_ALONE, "one task is asked for")
    return unknown(
        Reason(
            code="HPR401",
            message="Open MPI before 5 may stop in MPI_Init when srun offers no PMI",
            evidence=tuple(library_found(facts, library) for library in stopping[:2]),
            table_row="pmi.yaml row `openmpi-4`",
        )
    )
