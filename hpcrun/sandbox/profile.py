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
from hpcrun.sandbox.cluster_files import LOGIN, PARTITION, Cluster
from hpcrun.sandbox.hardware import Hardware

Access = str | Mapping[str, Any]
"""`access` of a profile."""


def format_profile(
    cluster: Cluster,
    access: Access,
    *,
    packages: Mapping[str, str],
    name: str | None = None,
) -> str:
    """Return the profile as YAML: what differs between sandboxes of one version, and no more."""
    from ruamel.yaml import YAML

    classes = _node_classes(cluster)
    profile: dict[str, Any] = {
        "version": 1,
        "name": name or cluster.name,
        "description": f"hpcrun's Slurm {cluster.version.slurm} cluster in a folder",
        "as_of": datetime.now(UTC).date(),
        "extends": cluster.version.site_profile,
        "which": {"cluster_name": cluster.name, "hostnames": [LOGIN]},
        "access": access,
        "node_classes": classes,
        "scheduler": _scheduler(packages, has_accounting=cluster.options.accounting),
        "runtime": {"version": _text(packages["apptainer"])},
        "partitions": {PARTITION: {"node_classes": list(classes), "nodes": cluster.n_nodes}},
        "filesystems": {"shared": [cluster.share, cluster.user.home]},
    }
    text = StringIO()
    yaml = YAML(typ="rt")
    yaml.default_flow_style = False
    yaml.dump(profile, text)
    return "# Written by `hpcrun sandbox up`; changed there by the next one.\n" + text.getvalue()


def _node_classes(cluster: Cluster) -> dict[str, Any]:
    """Return one class, or two where some nodes run programs for another processor."""
    plain = _node_class(cluster.hardware)
    emulation = cluster.emulation
    if emulation is None:
        return {"compute": plain | {"emulation": []}}
    handler = {
        "arch": emulation.emulator.arch,
        "emulator": emulation.emulator.name,
        "version": _text(emulation.emulator.version),
        "flags": emulation.emulator.flags,
    }
    if emulation.nodes == cluster.compute_nodes:
        return {"compute": plain | {"emulation": [handler]}}
    # The shipped profile knows one class only, so the second brings along what that one says.
    shipped = _shipped_class(cluster.version.site_profile)
    second = shipped | plain | {"os": shipped["os"] | plain["os"], "emulation": [handler]}
    return {"compute": plain | {"emulation": []}, "emulating": second}


def _shipped_class(profile: str) -> dict[str, Any]:
    from ruamel.yaml import YAML

    file = resources.site_profiles_folder() / f"{profile}.yaml"
    found: dict[str, Any] = YAML(typ="rt").load(file.read_text())["node_classes"]["compute"]
    # Written again, nulls would be blank; a key that is left out says the same.
    return {key: value for key, value in found.items() if value is not None}


def _node_class(hardware: Hardware) -> dict[str, Any]:
    return {
        "arch": hardware.arch,
        "cores": hardware.cores,
        "memory_mib": hardware.memory_mib,
        "os": {
            "kernel": _text(hardware.kernel),
            "user_namespaces_max": hardware.user_namespaces_max,
        },
    }


def _text(version: str) -> Any:
    """Quote a version, as YAML would take some for numbers."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    return DoubleQuotedScalarString(version)


def _scheduler(packages: Mapping[str, str], *, has_accounting: bool) -> dict[str, Any]:
    """Return Slurm's version, and that of the library its PMIx plugin opens if nodes have one."""
    found: dict[str, Any] = {"version": _text(packages["slurmctld"])}
    if has_accounting:
        found["accounting"] = True
    # The name of the package varies with the suite.
    libraries = [name for name in packages if name.startswith("libpmix2")]
    if libraries:
        found["pmix"] = {"server": _text(packages[libraries[0]])}
    return found


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
