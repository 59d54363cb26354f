"""A plan as a page for people; does not print it."""

import shlex

from hpcrun.model.plan import Candidate, Layout, Plan, PlannedMount
from hpcrun.model.verdict import Answer
from hpcrun.planner import SENSELESS
from hpcrun.report.terminal import escape
from hpcrun.units import format_slurm_duration

_WAYS_SHOWN = 4


def format_plan(plan: Plan) -> str:
    """Return the page: what was chosen and why, what it needs, what was not chosen."""
    sections = [
        _headline(plan),
        *_section("layout", _layout_lines(plan)),
        *_section("mounts", [_mount_line(mount) for mount in plan.mounts]),
        *_section("environment", _environment_lines(plan)),
        *_section("other ways", _other_lines(plan)),
    ]
    return "".join(f"{escape(line)}\n" for text in sections for line in text.split("\n"))


def _headline(plan: Plan) -> str:
    if plan.chosen is None:
        return f"{plan.job} at site {plan.site}: refused"
    lines = [f"{plan.job} at site {plan.site}: {format_way(plan.chosen)}"]
    lines += [f"  {sentence}" for sentence in plan.why]
    return "\n".join(lines)


def format_way(candidate: Candidate) -> str:
    """Name one candidate in a few words."""
    words = ["no MPI" if candidate.model == "none" else f"{candidate.model} model"]
    if candidate.mpi_stack is not None:
        words.append(f"on `{candidate.mpi_stack}`")
    how = f"{candidate.launcher} --mpi={candidate.srun_mpi}"
    words.append(f"by `{how if candidate.srun_mpi else candidate.launcher}`")
    if candidate.execution == "emulated":
        words.append("emulated")
    return " ".join(words)


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _layout_lines(plan: Plan) -> list[str]:
    layout = plan.layout
    mebibytes = plan.image.size_bytes / 2**20
    return [
        _tasks_line(layout),
        _limits_line(layout),
        f"image: {plan.image.path} ({plan.image.kind}, {plan.image.arch}, {mebibytes:.0f} MiB)",
        f"command: {shlex.join(plan.argv)}",
    ]


def _tasks_line(layout: Layout) -> str:
    each = f", {layout.tasks_per_node} on each" if layout.tasks_per_node else ""
    tasks = _counted(layout.tasks, "task")
    nodes = _counted(layout.nodes, "node")
    return f"{tasks} on {nodes}{each}; {_counted(layout.cpus_per_task, 'slurm cpu')} per task"


def _limits_line(layout: Layout) -> str:
    asked = {
        "partition": layout.partition,
        "account": layout.account,
        "qos": layout.qos,
        "constraint": layout.constraint,
        "reservation": layout.reservation,
        "memory per node": _mebibytes(layout.memory_per_node_mib),
        "memory per slurm cpu": _mebibytes(layout.memory_per_cpu_mib),
        "GPUs per node": str(layout.gpus_per_node) if layout.gpus_per_node else None,
        "walltime": None if layout.walltime_s is None else format_slurm_duration(layout.walltime_s),
        **layout.extra,
    }
    return ", ".join(f"{name} {value}" for name, value in asked.items() if value) or "no limits"


def _mebibytes(amount: int | None) -> str | None:
    return None if amount is None else f"{amount} MiB"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _mount_line(mount: PlannedMount) -> str:
    where = "" if str(mount.host) == str(mount.container) else f" at {mount.container}"
    return f"{mount.host}{where} ({mount.mode}): {mount.why}"


def _environment_lines(plan: Plan) -> list[str]:
    return [f"{name}={item.value}: {item.why}" for name, item in plan.environment.items()]


def _other_lines(plan: Plan) -> list[str]:
    """Group what was not chosen by its first reason, the ways that would work first."""
    others = [c for c in plan.candidates if c != plan.chosen]
    working = [c for c in others if c.verdict is Answer.COMPATIBLE]
    groups: dict[str, list[Candidate]] = {}
    for candidate in others:
        if candidate.verdict is not Answer.COMPATIBLE:
            groups.setdefault(candidate.reasons[0].code, []).append(candidate)
    senseless = sorted(groups.keys() & SENSELESS)
    lines = [f"would work too: {_ways(working)}"] if working else []
    for code in sorted(groups.keys() - SENSELESS):
        lines += _group_lines(code, groups[code])
    if senseless:
        count = sum(len(groups[code]) for code in senseless)
        lines.append(f"{_counted(count, 'way')} that nobody would ask for: {', '.join(senseless)}")
    return lines


def _group_lines(code: str, group: list[Candidate]) -> list[str]:
    answer = "unknown" if all(c.verdict is Answer.UNKNOWN for c in group) else "no"
    return [
        f"{code} ({answer}, {_counted(len(group), 'way')}): {_ways(group)}",
        f"  {group[0].reasons[0].message}",
    ]


def _ways(candidates: list[Candidate]) -> str:
    ways = list(dict.fromkeys(_short_way(candidate) for candidate in candidates))
    more = len(ways) - _WAYS_SHOWN
    return ", ".join(ways[:_WAYS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _short_way(candidate: Candidate) -> str:
    words = [
        "emulated" if candidate.execution == "emulated" else "",
        candidate.model,
        candidate.mpi_stack or "",
        f"--mpi={candidate.srun_mpi}" if candidate.srun_mpi else candidate.launcher,
    ]
    return " ".join(word for word in words if word)
