"""The configuration files of the cluster inside, as text; writes nothing."""

import shlex
from dataclasses import dataclass

from hpcrun.sandbox.hardware import Hardware
from hpcrun.sandbox.identity import JobUser

LOGIN = "login"
PARTITION = "main"
_FIRST_ADDRESS = 10


@dataclass(frozen=True)
class Cluster:
    """What a sandbox is to be."""

    name: str
    n_nodes: int
    hardware: Hardware
    user: JobUser
    share: str

    @property
    def compute_nodes(self) -> tuple[str, ...]:
        """Names of the compute nodes."""
        return tuple(f"n{number}" for number in range(1, self.n_nodes + 1))

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of all nodes, the login node first."""
        return (LOGIN, *self.compute_nodes)


def format_slurm_conf(cluster: Cluster) -> str:
    """Slurm's main configuration file (slurm.conf(5)), for 24.11."""
    hardware = cluster.hardware
    nodes = f"n[1-{cluster.n_nodes}]" if cluster.n_nodes > 1 else "n1"
    settings = {
        "ClusterName": cluster.name,
        "SlurmctldHost": LOGIN,
        # Everything runs as the root of a user namespace, which outside is nobody in particular.
        "SlurmUser": "root",
        "SlurmdUser": "root",
        "DisableRootJobs": "YES",
        "AuthType": "auth/slurm",
        "CredType": "cred/slurm",
        "MpiDefault": "none",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core_Memory",
        "DefMemPerCPU": hardware.memory_mib // hardware.cores,
        "StateSaveLocation": "/var/spool/slurmctld",
        "SlurmdSpoolDir": "/var/spool/slurmd",
        "SlurmctldPidFile": "/run/slurmctld.pid",
        "SlurmdPidFile": "/run/slurmd.pid",
        "SlurmdParameters": "config_overrides",
        "ReturnToService": 2,
        "JobRequeue": 0,
        # Long enough for whoever asks after a job has ended, as on most clusters.
        "MinJobAge": 300,
        "KillWait": 5,
        "SlurmdTimeout": 120,
        "SlurmctldTimeout": 60,
        "MessageTimeout": 30,
        # A job starts when it can, not up to three seconds later.
        "SchedulerParameters": "batch_sched_delay=0,bf_interval=5",
        "PropagateResourceLimits": "NONE",
        "JobAcctGatherType": "jobacct_gather/none",
        "AccountingStorageType": "accounting_storage/none",
    }
    lines = [f"{key}={value}" for key, value in settings.items()]
    lines.append(
        f"NodeName={nodes} Sockets=1 CoresPerSocket={hardware.cores} ThreadsPerCore=1 "
        f"RealMemory={hardware.memory_mib} State=UNKNOWN"
    )
    lines.append(f"PartitionName={PARTITION} Nodes={nodes} Default=YES MaxTime=24:00:00 State=UP")
    return "\n".join(lines) + "\n"


def format_cgroup_conf() -> str:
    """No control groups: an ordinary user has none to give."""
    return "CgroupPlugin=disabled\n"


def format_hosts(cluster: Cluster) -> str:
    """Addresses of the nodes, one network of their own."""
    lines = ["127.0.0.1 localhost"]
    for number, node in enumerate(cluster.nodes, start=_FIRST_ADDRESS):
        lines.append(f"10.1.{number // 250}.{number % 250 + 1} {node}")
    return "\n".join(lines) + "\n"


def format_settings(cluster: Cluster) -> str:
    """Write the settings that the scripts of the box and the nodes read (sh)."""
    settings = {
        "BOX_NODES": " ".join(cluster.nodes),
        "BOX_LOGIN": LOGIN,
        "BOX_USER": cluster.user.name,
        "BOX_UID": str(cluster.user.uid),
        "BOX_GID": str(cluster.user.gid),
        "BOX_SHARE": cluster.share,
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
