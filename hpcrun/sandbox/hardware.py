"""What the nodes of a sandbox are told to have; reads this machine, decides nothing about jobs."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

# Jobs of the examples have 4 ranks on 2 nodes, and machines of continuous integration 2 cores:
# a node claims more than there is, because here it matters that jobs start, not how fast they are.
_CLAIMED_CPUS = 4


@dataclass(frozen=True)
class Hardware:
    """One node; all nodes share one machine, so each has all of it."""

    arch: str
    cores: int
    memory_mib: int
    kernel: str
    user_namespaces_max: int


def read_hardware() -> Hardware:
    """Look at this machine."""
    pages = os.sysconf("SC_PHYS_PAGES")
    return Hardware(
        arch=platform.machine(),
        cores=max(_CLAIMED_CPUS, os.cpu_count() or 1),
        memory_mib=pages * os.sysconf("SC_PAGE_SIZE") // 2**20,
        kernel=platform.release(),
        user_namespaces_max=int(Path("/proc/sys/user/max_user_namespaces").read_text()),
    )
