"""A site profile as a page for people; does not load or judge it."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from hpcrun.model.base import UNKNOWN, Unknown, is_known
from hpcrun.model.nodes import Fabric, NodeClass, Partition, Qos
from hpcrun.model.site import MpiStack, Recipe, Site
from hpcrun.report.page import Section, count, format_page, pair, section
from hpcrun.units import format_duration

T = TypeVar("T")


def format_site(site: Site) -> str:
    """Return the page about a site: what decides about containers and MPI there."""
    sections = [
        section("", _about(site)),
        section("scheduler", _scheduler(site)),
        section("nodes", _named(site.node_classes, _node)),
        section("partitions", _named(site.partitions, _partition)),
        section("qualities of service", _named(site.qos, _qos)),
        section("containers", _containers(site)),
        section("MPI stacks", _named(site.mpi_stacks, _stack)),
        section("recipes", map(_recipe, site.recipes)),
        _places(site),
        section("notes", site.notes, at_most=2),
    ]
    when = f", as of {site.as_of}" if site.as_of else ""
    return format_page(f"{site.name}: {site.description or 'a site'}{when}", sections)


def _named(parts: Mapping[str, T], say: Callable[[T], str]) -> Iterator[str]:
    """Yield a line for each part, all words in one column."""
    wide = max((len(name) for name in parts), default=0)
    yield from (f"{name:<{max(wide + 2, 14)}}{say(part)}".rstrip() for name, part in parts.items())


def _about(site: Site) -> Iterator[str]:
    yield pair("profile", str(site.file))
    if site.extends:
        yield pair("extends", site.extends)
    yield pair("reached", _access(site))
    if site.life.ends:
        yield pair("ends", _joined(str(site.life.ends), site.life.note))
    if site.policy.automation:
        yield pair("automation", site.policy.automation)
    if site.unknowns:
        yield pair("unknown", f"{count(len(site.unknowns), 'value')}; `--sources` lists them")


def _access(site: Site) -> str:
    if not site.access.is_stated:
        return "the profile does not say how; it can be planned for"
    if site.access.is_elsewhere:
        return "from its own login nodes; this is none of them"
    if site.access.ssh is not None:
        return f"by ssh to {site.access.ssh.host}"
    if site.access.prefix is not None:
        return f"through `{' '.join(site.access.prefix)}`"
    return "from its own login nodes"


def _scheduler(site: Site) -> Iterator[str]:
    facts = site.scheduler
    if facts.kind == "none":
        yield "there is none"
        return
    daemon = f"tasks are started by {facts.daemon}" if is_known(facts.daemon) else None
    yield pair(facts.kind, _joined(f"version {facts.version}", daemon))
    if facts.kind == "slurm":
        default = f"default {facts.mpi_default}"
        yield pair("srun --mpi", _joined(_words(facts.mpi_types), default))
        yield pair("PMIx", "none" if facts.pmix is None else f"{facts.pmix.server}")
    demands = {name: getattr(facts.required, name) for name in ("account", "partition", "qos")}
    wanted = [name for name, answer in demands.items() if answer is True]
    wanted += [f"{name}: unknown" for name, answer in demands.items() if not is_known(answer)]
    if wanted or facts.required.options:
        yield pair("insists on", ", ".join((*wanted, *facts.required.options)))


def _node(node: NodeClass) -> str:
    gpus = None
    if is_known(node.gpus) and node.gpus:
        gpus = " and ".join(f"{_number(gpu.count)} {gpu.model}" for gpu in node.gpus)
    cores = f"{_number(node.cores)} cores"
    if is_known(node.cores_reserved) and node.cores_reserved:
        cores += f" ({node.cores_reserved} reserved)"
    return _joined(
        f"{count(node.nodes, 'node')}" if is_known(node.nodes) else None,
        f"{_known(node.arch)} {_in_brackets(node.microarch)}".strip(),
        cores,
        f"{node.memory_mib / 1024:.0f} GiB" if is_known(node.memory_mib) else None,
        gpus,
        _network(node.fabric),
        f"{_known(node.os.id)} {_known(node.os.version)}" if is_known(node.os.id) else None,
        f"glibc {node.os.glibc}",
    )


def _network(fabric: Fabric) -> str:
    if not is_known(fabric.kind):
        return "network unknown"
    return f"{fabric.kind} {_in_brackets(fabric.name)}".strip()


def _partition(partition: Partition) -> str:
    return _joined(
        "the default" if partition.default else None,
        "of " + ", ".join(partition.node_classes)
        if partition.are_classes_known
        else "of any nodes",
        f"{count(partition.nodes, 'node')}" if is_known(partition.nodes) else None,
        _job_size(partition),
        _time(partition.walltime_max_s),
        "jobs must ask for GPUs" if partition.gpus_required is True else None,
        "not for everybody" if partition.open is False else None,
        partition.about,
    )


def _qos(qos: Qos) -> str:
    places = f"for {', '.join(qos.partitions)}" if is_known(qos.partitions) else None
    return _joined(places, _job_size(qos), _time(qos.walltime_max_s), qos.about)


def _job_size(limits: Partition | Qos) -> str | None:
    least = limits.nodes_min if isinstance(limits.nodes_min, int) else None
    most = limits.nodes_max if isinstance(limits.nodes_max, int) else None
    if least is None and most is None:
        return None
    if most == (least or 1):
        return f"{count(most, 'node')} a job"
    return f"{least or 1} to {most} nodes a job" if most else f"at least {least} nodes a job"


def _time(limit_s: int | Unknown | None) -> str | None:
    if limit_s is None:
        return "no time limit"
    return f"{format_duration(limit_s)}" if isinstance(limit_s, int) else None


def _containers(site: Site) -> Iterator[str]:
    runtime, images = site.runtime, site.images
    if runtime.kind == "none":
        yield "no container runtime"
    else:
        binds = {True: "users may mount folders", False: "users may not mount folders"}
        modules = "module " + " ".join(runtime.modules) if runtime.modules else None
        yield pair(
            runtime.kind,
            _joined(
                f"version {runtime.version}",
                f"mode {runtime.mode}",
                binds.get(runtime.user_bind) if isinstance(runtime.user_bind, bool) else None,
                f"on {', '.join(runtime.available_on)}" if is_known(runtime.available_on) else None,
                modules,
            ),
        )
    if runtime.group:
        yield pair("only for", f"members of the Unix group `{runtime.group}`")
    if is_known(runtime.others) and runtime.others:
        yield pair("others", ", ".join(runtime.others))
    build = images.build
    means = f"by {', '.join(build.means)}" if is_known(build.means) and build.means else None
    where = f"on {', '.join(build.on)}" if is_known(build.on) and build.on else None
    allowed = {True: "allowed", False: "not allowed"}
    answer = allowed[build.allowed] if isinstance(build.allowed, bool) else UNKNOWN
    yield pair("builds", _joined(answer, where, means))
    if images.instead:
        yield pair("instead", images.instead)


def _stack(stack: MpiStack) -> str:
    name = stack.implementation if is_known(stack.implementation) else stack.family
    return _joined(
        f"{name} {_known(stack.version)}".strip(),
        f"functions of {stack.family} {stack.api}" if is_known(stack.api) else None,
        f"at {stack.prefix}" if stack.prefix else "nobody knows where",
        f"PMI: {', '.join(stack.pmi)}" if is_known(stack.pmi) and stack.pmi else None,
        "symbols known" if stack.passport else None,
    )


def _recipe(recipe: Recipe) -> str:
    launcher = recipe.launcher or "srun"
    started = f"{launcher} --mpi={recipe.mpi_type}" if recipe.mpi_type else recipe.launcher
    modules = " ".join(recipe.modules)
    words = _joined(
        f"with {recipe.stack}" if recipe.stack else None,
        started,
        f"modules {modules}" if modules else None,
        recipe.image,
        recipe.note,
    )
    return pair(recipe.kind, _joined(recipe.name, words) if recipe.name else words).rstrip()


def _places(site: Site) -> Section:
    files, internet = site.filesystems, site.internet
    shared: tuple[str, ...] | Unknown = (
        tuple(map(str, files.shared)) if is_known(files.shared) else UNKNOWN
    )
    answers = {True: "yes", False: "no"}
    reach = {
        name: answers[fact] if isinstance(fact, bool) else UNKNOWN
        for name, fact in (("login", internet.login), ("compute", internet.compute))
    }
    return section(
        "files and internet",
        [
            pair("shared", _words(shared)),
            pair("internet", ", ".join(f"{name} nodes: {word}" for name, word in reach.items())),
        ],
    )


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _words(words: tuple[str, ...] | Unknown) -> str:
    return (", ".join(words) or "none") if is_known(words) else UNKNOWN


def _known(fact: str | Unknown) -> str:
    return fact if is_known(fact) else ""


def _in_brackets(fact: str | Unknown) -> str:
    return f"({fact})" if is_known(fact) else ""


def _number(fact: int | Unknown) -> str:
    return str(fact) if is_known(fact) else "?"
