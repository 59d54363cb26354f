"""The configuration files of the cluster inside, as text; writes nothing."""

import re
import shlex
from dataclasses import dataclass

from hpcrun.sandbox import accounting, shape_files
from hpcrun.sandbox.emulation import Emulation
from hpcrun.sandbox.hardware import Hardware
from hpcrun.sandbox.identity import JobUser
from hpcrun.sandbox.options import USUAL, Options
from hpcrun.sandbox.shape import Shape
from hpcrun.sandbox.versions import SandboxVersion

LOGIN = "login"
_FIRST_ADDRESS = 10
# So that faults show within seconds; a busy machine may then take a sound node for a dead one.
_SHORT_TIMEOUTS_S = {"SlurmdTimeout": 10, "MinJobAge": 30, "MessageTimeout": 5, "KillWait": 2}
UNIFIED = 2
_CGROUP_PLUGINS = {"ProctrackType": "proctrack/cgroup", "TaskPlugin": "task/cgroup"}


@dataclass(frozen=True)
class Cluster:
    """What a sandbox is to be."""

    name: str
    shape: Shape
    hardware: Hardware
    user: JobUser
    share: str
    version: SandboxVersion
    emulation: Emulation | None = None
    options: Options = USUAL
    groups: int | None = None
    """The version of the control groups that limit its jobs, where something does."""

    @property
    def compute_nodes(self) -> tuple[str, ...]:
        """Names of the compute nodes."""
        return self.shape.nodes

    @property
    def mpi_default(self) -> str:
        """Type of `srun --mpi` where none is named: as asked for, else the site's if it is here."""
        offered = self.version.mpi_types
        usual = self.shape.mpi_default if self.shape.mpi_default in offered else None
        return self.options.mpi_default or usual or "none"

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of all nodes, the login node first."""
        return (LOGIN, *self.compute_nodes)

    @property
    def emulating_nodes(self) -> tuple[str, ...]:
        """Nodes that run programs for another processor; the login node where all others do."""
        emulating = self.emulation.nodes if self.emulation else ()
        return self.nodes if emulating == self.compute_nodes else emulating

    @property
    def own_handler(self) -> str:
        """The entry of the sandbox's own list of handlers; none where the machine's list has it."""
        if self.emulation is None or self.options.register_emulation:
            return ""
        return self.emulation.emulator.handler


def format_slurm_conf(cluster: Cluster, common: str) -> str:
    """Write Slurm's main configuration: what all sandboxes have in common, and this one's own."""
    lines: tuple[str, ...] = (
        *cluster.version.slurm_conf,
        # How daemons know each other, and that a job is whose it says it is.
        f"AuthType=auth/{cluster.version.auth}",
        f"CredType=cred/{cluster.version.auth}",
        f"ClusterName={cluster.name}",
        f"SlurmctldHost={LOGIN}",
        *shape_files.slurm_lines(cluster.shape),
    )
    for key, value in _changed_settings(cluster).items():
        common = re.sub(rf"(?m)^{key}=.*\n", "", common)
        lines = (f"{key}={value}", *lines)
    return common + "\n".join(lines) + "\n"


def _changed_settings(cluster: Cluster) -> dict[str, object]:
    """Return what the sandbox's options put in the place of what is common to all."""
    changed: dict[str, object] = {"MpiDefault": cluster.mpi_default}
    if cluster.options.short_timeouts:
        changed |= _SHORT_TIMEOUTS_S
    if cluster.options.accounting:
        changed |= accounting.slurm_settings(LOGIN)
    if cluster.groups is not None:
        changed |= _CGROUP_PLUGINS
    return changed


def format_cgroup_conf(cluster: Cluster) -> str:
    """No control groups, as an ordinary user has none to give; or those that limit memory."""
    version = cluster.version
    lines = version.cgroup_conf
    if cluster.groups is not None:
        own = version.cgroup_v1_conf if cluster.groups == 1 else version.cgroup_v2_conf
        lines = (*own, "ConstrainRAMSpace=yes")
    return "".join(f"{line}\n" for line in lines)


def format_hosts(cluster: Cluster) -> str:
    """Addresses of the nodes, one network of their own."""
    lines = ["127.0.0.1 localhost"]
    for number, node in enumerate(cluster.nodes, start=_FIRST_ADDRESS):
        lines.append(f"10.1.{number // 250}.{number % 250 + 1} {node}")
    return "\n".join(lines) + "\n"


def format_settings(cluster: Cluster) -> str:
    """Write the settings that the scripts of the box and the nodes read (sh)."""
    settings = {
        # First, as it says what the folder is once anything stands in this file.
        "BOX_SLURM": cluster.version.slurm,
        "BOX_AUTH": cluster.version.auth,
        "BOX_NODES": " ".join(cluster.nodes),
        "BOX_LOGIN": LOGIN,
        "BOX_USER": cluster.user.name,
        "BOX_UID": str(cluster.user.uid),
        "BOX_GID": str(cluster.user.gid),
        "BOX_SHARE": cluster.share,
        "BOX_ACCOUNTING": accounting.FOLDER if cluster.options.accounting else "",
        "BOX_GPUS": " ".join(f"{k}={v}" for k, v in shape_files.fake_gpus(cluster.shape).items()),
        "BOX_HANDLER": cluster.own_handler,
        "BOX_MACHINE_HANDLERS": "yes" if cluster.options.register_emulation else "",
        "BOX_UNIFIED": "yes" if cluster.groups == UNIFIED else "",
        "BOX_EMULATING": " ".join(cluster.emulating_nodes),
    }
    return "".join(f"{name}={shlex.quote(text)}\n" for name, text in settings.items())


def login_environment(name: str, user: str) -> dict[str, str]:
    """Environment of a command inside, as if somebody had just logged in."""
    return {
        "HOME": f"/home/{user}",
        "USER": user,
        "LOGNAME": user,
        "SHELL": "/bin/bash",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "LANG": "C.UTF-8",
        "HPCRUN_SITE": name,
    }
