"""What Slurm is told of a sandbox's shape, as text; decides no shape, writes nothing."""

import re
from collections import Counter
from collections.abc import Iterator

from hpcrun.model.base import known
from hpcrun.sandbox.shape import ClassShape, PartitionShape, Shape

# What a site may insist on, and the field in which job_submit.lua sees it.
_FIELD_BY_OPTION = {
    "account": "account",
    "constraint": "features",
    "licenses": "licenses",
    "partition": "partition",
    "qos": "qos",
    "reservation": "reservation",
    "time": "time_limit",
    "wckey": "wckey",
}
_FAKE_DEVICE = "/dev/fake-gpu"
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": " "}


def slurm_lines(shape: Shape) -> tuple[str, ...]:
    """Return the lines of slurm.conf about nodes and partitions."""
    lines = []
    if shape.like:
        # A site's limits are there to be met: sbatch refuses what could never start.
        lines.append("EnforcePartLimits=ALL")
    if any(one.gpus for one in shape.classes):
        lines.append("GresTypes=gpu")
    if required_options(shape):
        lines.append("JobSubmitPlugins=lua")
    lines += [_node_line(one) for one in shape.classes]
    lines += [_partition_line(one, shape) for one in shape.partitions]
    return tuple(lines)


def _node_line(one: ClassShape) -> str:
    words = [
        f"NodeName={fold(one.nodes)}",
        f"Sockets={one.sockets}",
        f"CoresPerSocket={one.cores // one.sockets}",
        f"ThreadsPerCore={one.threads_per_core}",
        f"RealMemory={one.memory_mib}",
    ]
    if one.features:
        words.append(f"Feature={','.join(one.features)}")
    if one.gpus:
        gpus = (f"gpu:{kind}:{count}" for kind, count in gpu_types(one).items())
        words.append(f"Gres={','.join(gpus)}")
    return " ".join((*words, "State=UNKNOWN"))


def _partition_line(one: PartitionShape, shape: Shape) -> str:
    classes = [kind for kind in shape.classes if kind.name in one.classes]
    memory_mib = min(kind.memory_mib // kind.n_cpus for kind in classes)
    limit = "INFINITE" if one.walltime_max_min is None else _clock(one.walltime_max_min)
    return (
        f"PartitionName={one.name} Nodes={fold(one.nodes)} "
        f"Default={'YES' if one.is_default else 'NO'} MaxTime={limit} "
        f"DefMemPerCPU={max(1, memory_mib)} State=UP"
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}:00"


def fold(nodes: tuple[str, ...]) -> str:
    """Write node names as Slurm does where they are numbered in one row."""
    stem = nodes[0].rstrip("0123456789")
    numbers = [node.removeprefix(stem) for node in nodes]
    if len(nodes) > 1 and numbers == [str(int(numbers[0]) + i) for i in range(len(nodes))]:
        return f"{stem}[{numbers[0]}-{numbers[-1]}]"
    return ",".join(nodes)


def gpu_types(one: ClassShape) -> dict[str, int]:
    """Return how many GPUs of each type a node has, by the name that Slurm gets for it."""
    counts: Counter[str] = Counter()
    for gpu in one.gpus:
        counts[re.sub(r"[^a-z0-9._-]+", "-", gpu.model.lower())] += known(gpu.count) or 0
    return dict(counts)


def format_gres_conf(shape: Shape) -> str:
    """Write gres.conf: GPUs whose devices do nothing, as Slurm ignores one without any."""
    return "".join(
        f"NodeName={fold(one.nodes)} Name=gpu Type={kind} File={_FAKE_DEVICE}[{first}-{last}]\n"
        for one in shape.classes
        for kind, first, last in _numbered(one)
    )


def _numbered(one: ClassShape) -> Iterator[tuple[str, int, int]]:
    first = 0
    for kind, count in gpu_types(one).items():
        yield kind, first, first + count - 1
        first += count


def fake_gpus(shape: Shape) -> dict[str, int]:
    """Return how many devices each node that has any needs (inside/node.sh makes them)."""
    counts = ((one, sum(gpu_types(one).values())) for one in shape.classes if one.gpus)
    return {node: count for one, count in counts for node in one.nodes}


def required_options(shape: Shape) -> dict[str, str]:
    """Return what sbatch is to insist on here, with what the site says of it."""
    required = shape.required
    named = ("account", "partition", "qos")
    options = {name: "" for name in named if getattr(required, name)} | required.options
    return {name: text for name, text in options.items() if name in _FIELD_BY_OPTION}


def format_job_submit(shape: Shape) -> str:
    """Write job_submit.lua, by which slurmctld refuses a job without what the site insists on."""
    return "\n".join(
        (
            "function slurm_job_submit(job, partitions, uid)",
            *(
                line
                for name, text in required_options(shape).items()
                for line in _check(name, text)
            ),
            "    return slurm.SUCCESS",
            "end",
            "function slurm_job_modify(job, known, partitions, uid)",
            "    return slurm.SUCCESS",
            "end\n",
        )
    )


def _check(option: str, text: str) -> Iterator[str]:
    field = f"job.{_FIELD_BY_OPTION[option]}"
    said = f"this site insists on --{option}" + (f": {text}" if text else "")
    quoted = "".join(_ESCAPED.get(letter, letter) for letter in said)
    yield f'    if {field} == nil or {field} == "" or {field} == slurm.NO_VAL then'
    yield f'        slurm.log_user("%s", "{quoted}")'
    yield "        return slurm.ERROR"
    yield "    end"
