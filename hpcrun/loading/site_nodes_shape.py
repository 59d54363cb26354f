"""What a profile may say about nodes and partitions (formats.md, version 1)."""

from hpcrun.loading.facts import Fact, Sourced
from hpcrun.loading.groups import ListOf
from hpcrun.loading.leaves import (
    DURATION,
    Boolean,
    Choice,
    Integer,
    Nullable,
    Number,
    Text,
    Version,
)
from hpcrun.loading.records import Field, Record
from hpcrun.loading.shapes import NOTHING
from hpcrun.loading.site_words import (
    FEATURE,
    NAMES,
    SITE_NAME,
    TEXT,
    TEXT_BY_NAME,
    VERSION_BY_NAME,
    count,
    defaulting,
    fact,
    flag,
    group,
    list_of,
    optional,
)

_GPU = Record(
    {
        "model": fact(Text(), "for example H200", is_required=True, probe="nvidia-smi, rocm-smi"),
        "count": fact(Integer(minimum=1), "in one node, as Slurm counts", probe="sinfo -o %G"),
        "vendor": fact(Choice(("nvidia", "amd", "intel")), "who makes it"),
        "compute": fact(Version(), "compute capability, or gfx name", probe="nvidia-smi, rocminfo"),
        "memory_mib": count("of one GPU", probe="nvidia-smi, rocm-smi"),
    }
)

_OS = Record(
    {
        "id": fact(Text(), "ID of /etc/os-release", probe="/etc/os-release"),
        "version": fact(Version(), "VERSION_ID of /etc/os-release", probe="/etc/os-release"),
        "glibc": fact(Version(), "version of the C library", probe="ldd --version"),
        "kernel": fact(
            Version(), "what `uname -r` prints, as far as it is known", probe="uname -r"
        ),
        "user_namespaces_max": count(
            "/proc/sys/user/max_user_namespaces", probe="/proc/sys/user/max_user_namespaces"
        ),
        "user_namespaces": flag(
            "whether ordinary users may make user namespaces", probe="unshare -Ur true"
        ),
        "subuids": flag("whether users have ranges in /etc/subuid", probe="/etc/subuid"),
    }
)

FABRICS = ("ethernet", "infiniband", "omni-path", "slingshot", "efa")

_FABRIC = Record(
    {
        "kind": fact(Choice(FABRICS), "the network", probe="fi_info"),
        "name": fact(Text(), "what people call it: HDR100 with ConnectX-6"),
        "gbit_s": fact(Number(), "of one port", probe="ibstat"),
        "ports": fact(Integer(minimum=1), "in one node", probe="ibstat"),
        "providers": fact(NAMES, "libfabric's providers", probe="fi_info -l"),
        "devices": fact(NAMES, "names of the devices", probe="ls /sys/class/infiniband"),
        "libraries": group(
            VERSION_BY_NAME,
            "versions of its user space on the node: libfabric, ucx, rdma-core",
        ),
        "settings": group(TEXT_BY_NAME, "variables that the site's own MPI runs with"),
        "never": defaulting(NAMES, "transports that show that the network is not used right"),
        "expect": group(
            Record(
                {
                    "latency_us_max": optional(Number(), "between two nodes, in microseconds"),
                    "bandwidth_mb_s_min": optional(Number(), "between two nodes, in MB/s"),
                }
            ),
            "what the network gives when it is used right",
        ),
    }
)

_EMULATION = Record(
    {
        "arch": fact(Text(), "as `uname -m` says", is_required=True),
        "emulator": fact(Text(), "for example qemu-user", is_required=True),
        "version": fact(Version(), "of the emulator"),
        "flags": defaulting(TEXT, "of the binfmt_misc entry"),
        "enabled": flag("whether the entry is in force", probe="/proc/sys/fs/binfmt_misc"),
        "magic": fact(Text(), "of the entry, in hexadecimal", probe="/proc/sys/fs/binfmt_misc"),
    }
)

NODE_CLASS = Record(
    {
        "nodes": count("how many there are", probe="sinfo"),
        "cpu": fact(Text(), "what the processor is called", probe="lscpu"),
        "arch": fact(Text(), "as `uname -m` says: x86_64, aarch64", probe="uname -m"),
        "microarch": fact(Text(), "archspec's name", probe="archspec cpu"),
        "sockets": fact(Integer(minimum=1), "in one node", probe="slurmd -C"),
        "cores": fact(Integer(minimum=1), "of the node, not of a socket", probe="slurmd -C"),
        "cores_reserved": count("of these, kept from jobs", probe="scontrol show node"),
        "threads_per_core": fact(Integer(minimum=1), "hardware threads", probe="slurmd -C"),
        "memory_mib": count("RealMemory of slurm.conf", probe="scontrol show node"),
        "gpus": fact(
            ListOf(Sourced(_GPU), expected="a list of kinds of GPU"),
            "`[]` is none",
            probe="sinfo -o %G",
        ),
        "gpu_driver": fact(Nullable(Version()), "version of the driver", probe="nvidia-smi"),
        "gpu_runtime": fact(
            Nullable(Version()),
            "newest CUDA or ROCm that the driver takes",
            probe="nvidia-smi, rocm-smi",
        ),
        "os": group(_OS, "the operating system"),
        "fabric": group(_FABRIC, "the network between nodes"),
        "emulation": fact(
            ListOf(Sourced(_EMULATION), expected="a list of emulators"),
            "registered for foreign programs",
            probe="/proc/sys/fs/binfmt_misc",
        ),
        "features": fact(
            list_of(FEATURE, "a list of features"),
            "Slurm's Feature, which `constraint` of a job names",
            probe="sinfo -o %f",
        ),
        "node_local": optional(Text(), "folder on the node's own disk"),
    }
)

_CLASS_NAMES = ListOf(
    Fact(SITE_NAME, when_unknown=NOTHING), minimum=1, expected="a list of node classes"
)

PARTITION = Record(
    {
        "about": optional(Text(), "what it is for"),
        "node_classes": Field(
            Fact(_CLASS_NAMES, when_unknown=NOTHING), is_required=True, about="what it is made of"
        ),
        "nodes": count("how many", probe="sinfo"),
        "nodes_min": count("that a job must have, where more than one", probe="scontrol"),
        "nodes_max": fact(
            Nullable(Integer(minimum=1)),
            "that a job may have; `null` is no limit",
            probe="scontrol",
        ),
        "cores_max": count("that a job may have on a node", probe="scontrol show partition"),
        "memory_mib_max": count("that a job may have on a node", probe="scontrol show partition"),
        "walltime_max": fact(
            Nullable(DURATION), "MaxTime; `null` is no limit", probe="sinfo -o %l"
        ),
        "default": defaulting(Boolean(), "whether sbatch takes it where none is named"),
        "open": flag("whether everybody may use it"),
        "exclusive": flag("whether a job has its nodes for itself", probe="scontrol"),
        "gpus_required": flag("whether jobs must ask for GPUs"),
        "qos": fact(NAMES, "qualities of service that may be named", probe="sacctmgr show qos"),
        "internet": flag("whether its nodes reach the internet", probe="a job"),
        "account_ending": optional(Text(), "what the account's name ends with for it"),
    }
)

QOS = Record(
    {
        "about": optional(Text(), "what it is for"),
        "partitions": fact(NAMES, "where it may be named", probe="sacctmgr show qos"),
        "nodes_min": count("that a job must have", probe="sacctmgr show qos"),
        "nodes_max": fact(
            Nullable(Integer(minimum=1)),
            "that a job may have; `null` is no limit",
            probe="sacctmgr",
        ),
        "walltime_max": fact(Nullable(DURATION), "`null` is no limit", probe="sacctmgr show qos"),
    }
)
