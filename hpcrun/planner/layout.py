"""What is asked of the scheduler, and whether partition and nodes can give it; no MPI here."""

from collections.abc import Callable, Iterable, Iterator

from hpcrun.compat.evidence import in_profile, listed
from hpcrun.model.base import is_known
from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.model.nodes import NodeClass
from hpcrun.model.plan import Layout
from hpcrun.planner.diagnose import UNKNOWN_NOTE, diagnose
from hpcrun.planner.limits import limit_of
from hpcrun.planner.question import Question, feature_names
from hpcrun.units import format_duration


def plan_layout(question: Question) -> Layout:
    """Spell out nodes, tasks and limits as the scheduler will be asked for them."""
    job = question.job
    resources = job.resources
    tasks, nodes = resources.n_tasks, resources.nodes
    per_node = tasks // nodes if tasks % nodes == 0 else None
    return Layout(
        partition=question.partition_name,
        account=job.submit.account or None,
        qos=job.submit.qos or None,
        constraint=job.submit.constraint or None,
        reservation=job.submit.reservation or None,
        nodes=nodes,
        tasks=tasks,
        tasks_per_node=per_node or None,
        cpus_per_task=resources.cpus_per_task,
        memory_per_node_mib=resources.memory_per_node_mib,
        memory_per_cpu_mib=resources.memory_per_cpu_mib,
        gpus_per_node=resources.gpus_per_node,
        walltime_s=resources.walltime_s,
        extra=resources.extra,
    )


def check_layout(question: Question, layout: Layout) -> Iterator[Diagnostic]:
    """Report what partition and nodes cannot give."""
    yield from _check_partition(question)
    yield from _check_required(question, layout)
    yield from _check_unknown_demands(question, layout)
    yield from _check_tasks(layout)
    if question.partition is None:
        return
    yield from _check_limits(question, layout)
    yield from _check_nodes(question, layout)
    yield from _check_constraint(question, layout)


def tasks_on_fullest_node(layout: Layout) -> int:
    """Return how many tasks the fullest node gets."""
    return layout.tasks_per_node or -(-layout.tasks // layout.nodes)


def _check_partition(question: Question) -> Iterator[Diagnostic]:
    if question.partition is not None or question.site.scheduler.kind != "slurm":
        return
    if "partitions" in question.site.unknowns:
        found = (f"`partitions` of profile `{question.site.name}` is unknown",)
        message = "cannot tell which partitions the site has"
        made = diagnose("HPR101", message, found=found, severity=Severity.WARNING)
        yield made.model_copy(update={"notes": (UNKNOWN_NOTE,)})
        return
    names = ", ".join(f"`{name}`" for name in question.site.partitions) or "none"
    found = (f"profile `{question.site.name}` has partitions {names}",)
    if question.partition_name is None:
        yield diagnose("HPR101", "no partition is named and the site has no default", found=found)
    else:
        message = f"the site has no partition `{question.partition_name}`"
        yield diagnose("HPR101", message, found=found)


def _check_required(question: Question, layout: Layout) -> Iterator[Diagnostic]:
    required = question.site.scheduler.required
    given = {
        "account": layout.account,
        "qos": layout.qos,
        "partition": question.job.submit.partition,
    }
    asked = {name for name in given if getattr(required, name) is True}
    missing = [name for name in given if name in asked and not given[name]]
    missing += [name for name in required.options if name not in layout.extra]
    for name in missing:
        found = f"`scheduler.required` of profile `{question.site.name}` lists `{name}`"
        yield diagnose(
            "HPR105", f"the site insists on `{name}`, the job gives none", found=(found,)
        )


def _check_unknown_demands(question: Question, layout: Layout) -> Iterator[Diagnostic]:
    """Warn of what the site may insist on, as far as anybody knows, and the job does not give."""
    required = question.site.scheduler.required
    for name, value in (("account", layout.account), ("qos", layout.qos)):
        if is_known(getattr(required, name)) or value:
            continue
        message = f"cannot tell whether the site insists on `{name}`; the job gives none"
        found = f"{in_profile(question.site, f'scheduler.required.{name}')} is unknown"
        yield diagnose("HPR105", message, found=(found,), severity=Severity.WARNING)


def _check_tasks(layout: Layout) -> Iterator[Diagnostic]:
    found = (f"nodes: {layout.nodes}", f"tasks: {layout.tasks}")
    if layout.tasks < layout.nodes:
        message = f"only {layout.tasks} of {layout.nodes} nodes would have a task"
        yield diagnose("HPR109", message, found=found)
    elif layout.tasks_per_node is None or layout.tasks_per_node * layout.nodes != layout.tasks:
        message = f"{layout.tasks} tasks do not spread evenly over {layout.nodes} nodes"
        yield diagnose("HPR403", message, found=found)


def _check_limits(question: Question, layout: Layout) -> Iterator[Diagnostic]:
    partition = question.partition
    if partition is None:
        return
    where = f"partitions.{question.partition_name}"
    yield from _check_walltime(question, layout)
    if isinstance(partition.nodes, int) and layout.nodes > partition.nodes:
        yield diagnose(
            "HPR106",
            f"{layout.nodes} nodes: the partition has {partition.nodes}",
            found=(f"`{where}.nodes` of profile `{question.site.name}`: {partition.nodes}",),
        )


def _check_walltime(question: Question, layout: Layout) -> Iterator[Diagnostic]:
    limit = limit_of(question, "walltime_max_s")
    if limit is None or layout.walltime_s is None or layout.walltime_s <= limit.bound:
        return
    whose = limit.what.partition(" `")[0]
    yield diagnose(
        "HPR102",
        f"walltime {format_duration(layout.walltime_s)} is over the {whose}'s limit",
        found=(f"`{limit.key}` of profile `{question.site.name}`: {format_duration(limit.bound)}",),
        severity=None if limit.is_sure else Severity.WARNING,
    )


def _check_nodes(question: Question, layout: Layout) -> Iterator[Diagnostic]:
    n_tasks = tasks_on_fullest_node(layout)
    n_cpus = n_tasks * layout.cpus_per_task
    memory_mib = layout.memory_per_node_mib or (layout.memory_per_cpu_mib or 0) * n_cpus
    asked: tuple[tuple[str, str, int, Callable[[NodeClass], int | None]], ...] = (
        ("HPR103", "MiB of memory", memory_mib, _memory_mib),
        ("HPR107", "slurm cpus", n_cpus, _n_cpus),
        ("HPR108", "GPUs", layout.gpus_per_node, _n_gpus),
    )
    for code, what, amount, measure in asked:
        sizes = {name: measure(node) for name, node in question.classes.items()}
        if not _fits(amount, sizes.values()):
            most = max(size for size in sizes.values() if size is not None)
            yield diagnose(
                code,
                f"{what} per node: {amount} asked for, the largest node has {most}",
                found=tuple(
                    f"node class `{name}` of profile `{question.site.name}`: {size} {what}"
                    for name, size in sizes.items()
                ),
            )


def _check_constraint(question: Question, layout: Layout) -> Iterator[Diagnostic]:
    """Report features that no node class has; what is more than names is left to Slurm."""
    wanted = feature_names(layout.constraint)
    classes = {name: node.features for name, node in question.classes.items()}
    if not wanted or not all(map(is_known, classes.values())):
        return
    if any(set(wanted) <= set(features) for features in classes.values()):
        return
    shown = " and ".join(f"`{name}`" for name in wanted)
    yield diagnose(
        "HPR111",
        f"no node of the partition has feature {shown}",
        found=tuple(
            f"node class `{name}` of profile `{question.site.name}` has {listed(features)}"
            for name, features in classes.items()
        ),
    )


def _fits(amount: int, sizes: Iterable[int | None]) -> bool:
    """Whether at least one node class has enough; an unknown size may."""
    return any(size is None or amount <= size for size in sizes)


def _memory_mib(node: NodeClass) -> int | None:
    return node.memory_mib if isinstance(node.memory_mib, int) else None


def _n_cpus(node: NodeClass) -> int | None:
    """Return the most slurm cpus that a node can have: Slurm may count cores or threads."""
    if not isinstance(node.cores, int):
        return None
    threads = node.threads_per_core if isinstance(node.threads_per_core, int) else 2
    return node.cores * threads


def _n_gpus(node: NodeClass) -> int | None:
    if not is_known(node.gpus):
        return None
    counts = [gpu.count for gpu in node.gpus if isinstance(gpu.count, int)]
    return sum(counts) if len(counts) == len(node.gpus) else None
