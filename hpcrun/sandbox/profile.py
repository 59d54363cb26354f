"""The site profiles of a sandbox, one for each side of its wall; loads and checks none."""

import os
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from hpcrun import resources
from hpcrun.loading.facts import ORIGIN_KEYS
from hpcrun.model.base import UNKNOWN
from hpcrun.model.nodes import Gpu
from hpcrun.sandbox import shape_files
from hpcrun.sandbox.cluster_files import LOGIN, Cluster
from hpcrun.sandbox.shape import CLASS, PARTITION, ClassShape, PartitionShape

Access = str | Mapping[str, Any]
"""`access` of a profile."""

_SOURCE = {"source": "hpcrun sandbox up"}
"""What a group holds of this sandbox is no word of the shipped profile that it may be joined to."""


def format_profile(
    cluster: Cluster,
    access: Access,
    *,
    packages: Mapping[str, str],
    name: str | None = None,
) -> str:
    """Return the profile as YAML: what differs between sandboxes of one version, and no more.

    One that follows a site's profile says all of it, as its classes and partitions are others.
    """
    from ruamel.yaml import YAML

    own: dict[str, Any] = {
        "version": 1,
        "name": name or cluster.name,
        "description": f"hpcrun's Slurm {cluster.version.slurm} cluster in a folder",
        "as_of": datetime.now(UTC).date(),
        "extends": cluster.version.site_profile,
        "which": {"cluster_name": cluster.name, "hostnames": [LOGIN]},
        "access": access,
        "node_classes": _node_classes(cluster),
        "scheduler": _scheduler(cluster, packages),
        "runtime": _SOURCE | {"version": _text(packages["apptainer"])},
        "partitions": _partitions(cluster),
        "filesystems": _SOURCE | {"shared": [cluster.share, cluster.user.home]},
    }
    text = StringIO()
    yaml = YAML(typ="rt")
    yaml.default_flow_style = False
    # Profiles have no aliases, and a null that can be seen.
    yaml.representer.ignore_aliases = lambda _data: True
    yaml.representer.add_representer(type(None), _represent_null)
    yaml.dump(_without_parent(own) if cluster.shape.like else own, text)
    return "# Written by `hpcrun sandbox up`; changed there by the next one.\n" + text.getvalue()


def _represent_null(representer: Any, _data: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")


def _without_parent(own: dict[str, Any]) -> dict[str, Any]:
    """Lay the profile over the shipped one, whose class and partition it would get otherwise."""
    shipped = _shipped(own["extends"])
    joined = {**_groups_joined(shipped, own), "extends": None}
    return joined | {"node_classes": own["node_classes"], "partitions": own["partitions"]}


def _groups_joined(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Join groups of keys; a value with its source stands for one value.

    What a group says of its source is not so of the sandbox's own values in it, and is left out.
    """
    joined = {key: value for key, value in below.items() if key not in ORIGIN_KEYS}
    for key, value in above.items():
        old = joined.get(key)
        is_group = isinstance(value, dict) and isinstance(old, dict) and "value" not in old
        joined[key] = _groups_joined(old or {}, value) if is_group else value
    return joined


def passports(cluster: Cluster) -> dict[str, str]:
    """Return the files that must lie beside a profile that extends none, by their names."""
    if not cluster.shape.like:
        return {}
    stacks = _shipped(cluster.version.site_profile)["mpi_stacks"].values()
    names = [stack["passport"] for stack in stacks if stack.get("passport")]
    folder = resources.site_profiles_folder()
    return {name: (folder / name).read_text() for name in names}


def _partitions(cluster: Cluster) -> dict[str, Any]:
    if not cluster.shape.like:
        names = [name for one in cluster.shape.classes for name, _ in _split(one, cluster)]
        found = {"node_classes": names, "nodes": len(cluster.compute_nodes)}
        return {PARTITION: _SOURCE | found}
    return {one.name: _partition(one, cluster) for one in cluster.shape.partitions}


def _partition(one: PartitionShape, cluster: Cluster) -> dict[str, Any]:
    split = [part for kind in cluster.shape.classes for part in _split(kind, cluster)]
    limit = one.walltime_max_min
    return _SOURCE | {
        "node_classes": [name for name, nodes in split if set(nodes) & set(one.nodes)],
        "nodes": len(one.nodes),
        "walltime_max": None if limit is None else f"{limit} min",
        "default": one.is_default,
    }


def _node_classes(cluster: Cluster) -> dict[str, Any]:
    """Return each class, or two where some nodes run programs for another processor."""
    # The shipped profile knows one class only; others bring along what that one says.
    shipped = _shipped_class(cluster.version.site_profile)
    classes = {}
    for one in cluster.shape.classes:
        for name, nodes in _split(one, cluster):
            own = _node_class(one, cluster, is_emulating=nodes[0] in _emulating(cluster))
            is_known = name == CLASS and not cluster.shape.like
            whole = shipped | own | {"os": shipped["os"] | own["os"]}
            classes[name] = own if is_known else whole
    return classes


def _split(one: ClassShape, cluster: Cluster) -> list[tuple[str, tuple[str, ...]]]:
    """Return the parts of a class whose nodes are alike: those that emulate, those that do not."""
    emulating = tuple(node for node in one.nodes if node in _emulating(cluster))
    plain = tuple(node for node in one.nodes if node not in emulating)
    if not plain or not emulating:
        return [(one.name, one.nodes)]
    return [(one.name, plain), (f"{one.name}-emulating", emulating)]


def _emulating(cluster: Cluster) -> tuple[str, ...]:
    return cluster.emulation.nodes if cluster.emulation else ()


def _shipped(profile: str) -> dict[str, Any]:
    from ruamel.yaml import YAML

    file = resources.site_profiles_folder() / f"{profile}.yaml"
    found: dict[str, Any] = YAML(typ="rt").load(file.read_text())
    return found


def _shipped_class(profile: str) -> dict[str, Any]:
    found: dict[str, Any] = _shipped(profile)["node_classes"][CLASS]
    return found


def _node_class(one: ClassShape, cluster: Cluster, *, is_emulating: bool) -> dict[str, Any]:
    hardware = cluster.hardware
    found: dict[str, Any] = _SOURCE | {
        "arch": hardware.arch,
        "cores": one.cores,
        "memory_mib": one.memory_mib,
        "os": {
            "kernel": _text(hardware.kernel),
            "user_namespaces_max": hardware.user_namespaces_max,
        },
        "emulation": _handlers(cluster) if is_emulating else [],
    }
    if cluster.shape.like:
        found |= {
            "sockets": one.sockets,
            "threads_per_core": one.threads_per_core,
            "features": list(one.features),
            "gpus": [_gpu(gpu) for gpu in one.gpus],
        }
    return found


def _gpu(gpu: Gpu) -> dict[str, Any]:
    found = gpu.model_dump()
    texts = {key: _text(found[key]) for key in ("model", "compute") if found[key] != UNKNOWN}
    return found | texts


def _handlers(cluster: Cluster) -> list[dict[str, Any]]:
    if cluster.emulation is None:
        return []
    emulator = cluster.emulation.emulator
    handler = {
        "arch": emulator.arch,
        "emulator": emulator.name,
        "version": _text(emulator.version),
        "flags": emulator.flags,
    }
    return [handler]


def _text(version: str) -> Any:
    """Quote a version, as YAML would take some for numbers."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    return DoubleQuotedScalarString(version)


def _scheduler(cluster: Cluster, packages: Mapping[str, str]) -> dict[str, Any]:
    """Return Slurm's version, and that of the library its PMIx plugin opens if nodes have one."""
    found: dict[str, Any] = _SOURCE | {"version": _text(packages["slurmctld"])}
    if cluster.mpi_default != "none":
        found["mpi_default"] = _text(cluster.mpi_default)
    if cluster.options.accounting:
        found["accounting"] = True
    # The name of the package varies with the suite.
    libraries = [name for name in packages if name.startswith("libpmix2")]
    if libraries:
        found["pmix"] = {"server": _text(packages[libraries[0]])}
    return found | (_scheduler_of_site(cluster) if cluster.shape.like else {})


def _scheduler_of_site(cluster: Cluster) -> dict[str, Any]:
    """Return of the site's scheduler what is so here too."""
    shape = cluster.shape
    types = [kind for kind in cluster.version.mpi_types if kind in mpi_types(cluster)]
    options = shape_files.required_options(shape)
    named = {name: getattr(shape.required, name) for name in ("account", "partition", "qos")}
    others = {name: _text(text) for name, text in options.items() if name not in named}
    return {"mpi_types": types, "required": {**named, "options": others}}


def mpi_types(cluster: Cluster) -> tuple[str, ...]:
    """Return the types of `srun --mpi` that the site has too, or all of them where it says none."""
    offered = cluster.version.mpi_types
    wanted = cluster.shape.mpi_types
    # A version of a type, such as pmix_v4, stands and falls with it.
    return tuple(kind for kind in offered if wanted is None or kind.partition("_v")[0] in wanted)


def access_from_outside(name: str) -> dict[str, list[str]]:
    """Return the command prefix through which this hpcrun reaches the sandbox."""
    return {"prefix": [*own_command(), "sandbox", "exec", "--name", name, "--"]}


def own_command() -> list[str]:
    """Name this very program so that it is found whatever PATH will be."""
    running = Path(sys.argv[0]).absolute()
    beside = Path(sys.executable).with_name("hpcrun")
    for program in (running, beside):
        if program.name == "hpcrun" and os.access(program, os.X_OK):
            return [str(program)]
    found = shutil.which("hpcrun")
    return [found] if found else [sys.executable, "-P", "-m", "hpcrun"]
