"""Why a job waits or ended, in plain words; finds nothing out."""

from hpcrun.model.run import JobReport, JobState, Limits
from hpcrun.tables.slurm_words import end_text, reason_text
from hpcrun.units import format_duration, format_memory


def reason_of(report: JobReport, limits: Limits) -> str:
    """Say why a job waits or by what it ended; empty where its state says it all."""
    if report.state is JobState.NOT_SUBMITTED:
        return report.reason
    if report.is_final:
        return end_text(report.state, _facts(report, limits), is_recorded=report.origin == "record")
    return reason_text(report.reason) or report.reason


def _facts(report: JobReport, limits: Limits) -> dict[str, str]:
    """Return what the words of the table may name."""
    per_node, per_cpu = limits.memory_per_node_mib, limits.memory_per_cpu_mib
    if per_node is not None:
        memory = f"asked {format_memory(per_node)} per node"
    elif per_cpu is not None:
        memory = f"asked {format_memory(per_cpu)} per slurm cpu"
    else:
        memory = "asked for none and got the site's default"
    walltime_s = limits.walltime_s
    return {
        "memory": memory,
        "memory_key": "memory_per_node" if per_cpu is None else "memory_per_cpu",
        "walltime": "the partition's default"
        if walltime_s is None
        else f"asked {format_duration(walltime_s)}",
        "nodes": _say_nodes(report),
        "who": report.cancelled_by or "somebody; Slurm does not say who",
    }


def _say_nodes(report: JobReport) -> str:
    if not report.failed_nodes:
        return f"one of its nodes {report.nodes}" if report.nodes else "one of its nodes"
    is_one = not set(report.failed_nodes) & set(",[")
    return f"node {report.failed_nodes}" if is_one else f"one of the nodes {report.failed_nodes}"
