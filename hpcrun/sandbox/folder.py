"""Write everything that a box and its nodes read into the folder of a sandbox; starts nothing."""

import os
import re
import secrets
import stat
from pathlib import Path

from hpcrun.sandbox import (
    accounting,
    cgroups,
    cluster_files,
    packages,
    profile,
    rootfs,
    shape_files,
    ssh_server,
)
from hpcrun.sandbox.cluster_files import Cluster
from hpcrun.sandbox.enter import InsideCommand, capture_inside
from hpcrun.sandbox.identity import find_identity
from hpcrun.sandbox.namespace import IdMaps
from hpcrun.sandbox.own_code import write_own_code
from hpcrun.sandbox.parts import Parts
from hpcrun.sandbox.places import Places, telling_whose
from hpcrun.sandbox.state import State
from hpcrun.sandbox.tools import PYTHON_INSIDE

_KEY_BYTES = 1024
_KEYS = {"slurm": "etc/slurm/slurm.key", "munge": "etc/munge/munge.key"}
_SLURM = re.compile(r"^BOX_SLURM=([0-9.]+)$", re.MULTILINE)
# What jobs leave in their home and in /tmp, and Slurm's copies of their scripts.
_PRIVATE = (accounting.FOLDER, "home", "nodes", "slurmctld")
_ONLY_OWNER = 0o700
# All else is the caller's, so that whoever is root inside cannot change what is read out here.
_OF_ROOT_INSIDE = (accounting.FOLDER, "logs", "nodes", "slurmctld")
_FOLDERS = (*_OF_ROOT_INSIDE, "app", "dev", "home", "share")


def write_folder(where: Places, cluster: Cluster, made: Parts, maps: IdMaps) -> None:
    """Write the configuration of the cluster and of its nodes, which are made of these parts."""
    where.folder.mkdir(parents=True, exist_ok=True)
    where.settings.write_text(cluster_files.format_settings(cluster))
    for name in _FOLDERS:
        (where.folder / name).mkdir(exist_ok=True)
    for name in _PRIVATE:
        _keep_private(where.folder / name)
    for own in (where.share, where.home):
        os.chown(own, cluster.user.uid_outside, cluster.user.gid_outside)
    for name in _OF_ROOT_INSIDE:
        maps.give_tree(where.folder / name)
    if cluster.options.ssh:
        ssh_server.write_files(where, cluster.user)
    profiles = _profiles(where, cluster, made)
    for old in where.profile.parent.glob("*.yaml"):
        old.unlink()
    for place, text in (_files(cluster) | profiles).items():
        file = where.folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    key = where.folder / _KEYS[cluster.version.auth]
    key.parent.mkdir(parents=True, exist_ok=True)
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(_KEY_BYTES))
    maps.give(key)
    write_own_code(where.folder / "app", maps)


def _keep_private(folder: Path) -> None:
    """Close a folder to others, unless it is closed: that of records is the database's by now."""
    if stat.S_IMODE(folder.stat().st_mode) != _ONLY_OWNER:
        folder.chmod(_ONLY_OWNER)


def _files(cluster: Cluster) -> dict[str, str]:
    """Return each file by its place in the folder; etc is copied to all nodes."""
    inside = {file.name: file.read_text() for file in rootfs.inside_folder().iterdir()}
    common, database = inside["slurm.conf"], inside["slurmdbd.conf"]
    shape = cluster.shape
    return {
        **{f"inside/{name}": text for name, text in inside.items()},
        "etc/hosts": cluster_files.format_hosts(cluster),
        "etc/slurm/gres.conf": shape_files.format_gres_conf(shape),
        "etc/slurm/job_submit.lua": shape_files.format_job_submit(shape),
        "etc/slurm/slurm.conf": cluster_files.format_slurm_conf(cluster, common),
        "etc/slurm/cgroup.conf": cluster_files.format_cgroup_conf(cluster),
        "etc-login/slurm/slurmdbd.conf": accounting.format_slurmdbd_conf(
            cluster.version, database, host=cluster_files.LOGIN
        ),
    }


def read_slurm(where: Places) -> str | None:
    """Return the Slurm version that the sandbox was made with, if it was made."""
    with telling_whose(where):
        found = _SLURM.search(where.settings.read_text()) if where.settings.is_file() else None
    return found[1] if found else None


def _profiles(where: Places, cluster: Cluster, made: Parts) -> dict[str, str]:
    """Return the profiles for both sides; etc-login is copied to the login node."""
    installed = packages.read_versions(made.tools) | packages.read_versions(made.root)
    outside = profile.access_from_outside(where.name)
    sites: list[tuple[str, str, profile.Access]] = [
        ("etc-login/hpcrun/sites", where.name, "local"),
        ("sites", where.name, outside),
    ]
    if cluster.options.ssh:
        sites.append(("sites", ssh_server.site_name(where.name), ssh_server.access(where)))
    files = {}
    for folder, name, access in sites:
        text = profile.format_profile(cluster, access, packages=installed, name=name)
        for file, content in ({f"{name}.yaml": text} | profile.passports(cluster)).items():
            files[f"{folder}/{file}"] = content
    return files


def refresh_own_code(where: Places, state: State) -> None:
    """Give the login node the hpcrun that runs here, compiled, as it then starts twice as fast."""
    identity = find_identity()
    if state.options.cgroup:
        identity = cgroups.settle_identity(identity, cgroups.read_hierarchies().version)
    write_own_code(where.folder / "app", identity.maps)
    argv = (PYTHON_INSIDE, "-m", "compileall", "-q", "/opt/hpcrun/app")
    capture_inside(state, InsideCommand(argv, as_root=True))
