"""Can an MPI take GPU memory as its name promises; not whether a program hands it any."""

from collections.abc import Mapping

from hpcrun.compat.evidence import asked, fits, incompatible
from hpcrun.compat.fabric_parts import MpiHolder, parts_of
from hpcrun.compat.gpu_nodes import GpuNodes
from hpcrun.model.verdict import Force, Reason, Verdict

_ROW = asked("gpu-mpi")
_GTL = asked("gtl")
_MEMORY = {"nvidia": "cuda", "amd": "rocm", "intel": "ze"}
GTL_SWITCH = "MPICH_GPU_SUPPORT_ENABLED"
_CRAY = "cray-mpich"


def check_gpu_memory(holder: MpiHolder, nodes: GpuNodes) -> Verdict:
    """Judge an MPI that has code for GPU memory, and UCX below it that has none."""
    kinds = {_MEMORY[vendor] for vendor in nodes.vendors}
    held = kinds & set(holder.library.gpu)
    used = {use.kind for use in holder.library.fabrics}
    if not held or "ucx" not in used or "libfabric" in used:
        return fits(_ROW, holder.library_found, nodes.models, "nothing promises more than there is")
    parts = {part for library, part in parts_of(holder) if library == "ucx" and part}
    lacking = [kind for kind in sorted(held) if not any(p.startswith(kind) for p in parts)]
    if not lacking:
        return fits(_ROW, holder.library_found, f"UCX has {', '.join(sorted(parts))}")
    reason = Reason(
        code="HPR712",
        message=f"{holder.mpi} takes {lacking[0]} memory, and its UCX has no transport for it",
        evidence=(
            holder.library_found,
            f"UCX has {', '.join(sorted(parts)) or 'no transports beside it'}",
            nodes.models,
        ),
        table_row=_ROW,
    )
    return incompatible(reason, force=Force.WARNS)


def check_gtl(holder: MpiHolder, *, implementation: str, env: Mapping[str, str]) -> Verdict:
    """Judge Cray MPICH that is told to take GPU memory: it needs a library of its own for that."""
    told = env.get(GTL_SWITCH, "0")
    is_cray = _CRAY in (implementation, holder.library.implementation)
    if not is_cray or told != "1":
        return fits(_GTL, holder.library_found, f"`{GTL_SWITCH}` of the job is {told}")
    preload = env.get("LD_PRELOAD", "")
    if "libmpi_gtl_" in preload:
        return fits(_GTL, holder.library_found, f"the job sets `LD_PRELOAD={preload}`")
    if any("libmpi_gtl_" in soname for soname in holder.library.needed):
        return fits(_GTL, holder.library_found, "the MPI library is linked to its GTL")
    reason = Reason(
        code="HPR713",
        message=f"`{GTL_SWITCH}=1` stops {holder.mpi}: GTL is not loaded",
        evidence=(
            holder.library_found,
            f"the job sets `{GTL_SWITCH}=1`",
            "nothing loads libmpi_gtl_cuda or libmpi_gtl_hsa: programs built in images do not",
        ),
        table_row=_GTL,
    )
    return incompatible(reason)
