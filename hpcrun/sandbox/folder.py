"""Write everything that a box and its nodes read into the folder of a sandbox; starts nothing."""

import os
import secrets
import shutil
from pathlib import Path

from hpcrun.sandbox import cluster_files, packages, profile, rootfs
from hpcrun.sandbox.cluster_files import Cluster
from hpcrun.sandbox.enter import InsideCommand, capture_inside
from hpcrun.sandbox.own_code import write_own_code
from hpcrun.sandbox.places import Places
from hpcrun.sandbox.state import State
from hpcrun.sandbox.versions import SandboxVersion

_KEY_BYTES = 1024
# What jobs leave in their home and in /tmp, and Slurm's copies of their scripts.
_PRIVATE = ("home", "nodes", "slurmctld")
_FOLDERS = ("app", "dev", "home", "logs", "nodes", "share", "slurmctld")


def write_folder(where: Places, version: SandboxVersion, cluster: Cluster, root: Path) -> None:
    """Write the configuration of the cluster and of its nodes, whose system is in `root`."""
    where.folder.mkdir(parents=True, exist_ok=True)
    where.settings.write_text(cluster_files.format_settings(cluster))
    for name in _FOLDERS:
        (where.folder / name).mkdir(exist_ok=True)
    for name in _PRIVATE:
        (where.folder / name).chmod(0o700)
    for own in (where.share, where.home):
        os.chown(own, cluster.user.uid_outside, cluster.user.gid_outside)
    shutil.copytree(rootfs.inside_folder(), where.folder / "inside", dirs_exist_ok=True)
    profiles = _profiles(where, version, cluster, root)
    for place, text in (_files(cluster) | profiles).items():
        file = where.folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    key = where.folder / "etc/slurm/slurm.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(_KEY_BYTES))
    write_own_code(where.folder / "app")


def _files(cluster: Cluster) -> dict[str, str]:
    """Return each file by its place in the folder; etc is copied to all nodes."""
    common = (rootfs.inside_folder() / "slurm.conf").read_text()
    return {
        "etc/hosts": cluster_files.format_hosts(cluster),
        "etc/slurm/slurm.conf": cluster_files.format_slurm_conf(cluster, common),
        "etc/slurm/cgroup.conf": cluster_files.format_cgroup_conf(),
    }


def _profiles(
    where: Places, version: SandboxVersion, cluster: Cluster, root: Path
) -> dict[str, str]:
    """Return the profiles for both sides; etc-login is copied to the login node."""
    installed = packages.read_versions(root)
    outside = profile.access_from_outside(where.name)
    return {
        f"{folder}/{where.name}.yaml": profile.format_profile(
            cluster, version, access, packages=installed
        )
        for folder, access in (("etc-login/hpcrun/sites", "local"), ("sites", outside))
    }


def refresh_own_code(where: Places, state: State) -> None:
    """Give the login node the hpcrun that runs here, compiled, as it then starts twice as fast."""
    write_own_code(where.folder / "app")
    argv = ("python3", "-m", "compileall", "-q", "/opt/hpcrun/app")
    capture_inside(state, InsideCommand(argv, as_root=True))
