"""Does a profile's `which` fit where we stand; reads small files, runs nothing."""

import os
import re
import socket
import stat
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from hpcrun.model.site import Which

_MAX_BYTES = 1_048_576
_OF_THE_KERNEL = ("/proc", "/sys")
"""Files there say to be plain, but some are read for ever (/proc/kmsg)."""

# slurm.conf(5): SLURM_CONF wins; a configless login node has the file under /run/slurm/conf.
_SLURM_CONF = ("etc/slurm/slurm.conf", "run/slurm/conf/slurm.conf", "etc/slurm-llnl/slurm.conf")


class Surroundings(NamedTuple):
    """What tells sites apart, as seen from here."""

    environment: Mapping[str, str]
    hostname: str
    cluster_name: str | None
    root: Path = Path("/")


def read_surroundings(environment: Mapping[str, str], *, root: Path = Path("/")) -> Surroundings:
    """Look around."""
    return Surroundings(environment, socket.gethostname(), _cluster_name(environment, root), root)


def is_elsewhere(which: Which, here: Surroundings) -> bool:
    """Whether something is asked for, and nothing of it fits: then this is another machine.

    One answer is enough to stay: on a compute node the host's name is another one than on a login
    node, and a shell without profile lacks variables.
    """
    answers = list(_answers(which, here))
    return bool(answers) and all(answer is None for answer in answers)


def matching(which: Which, here: Surroundings) -> tuple[str, ...] | None:
    """Give what fits, one line each; None where anything does not, or nothing is asked for."""
    answers = list(_answers(which, here))
    if not answers or any(answer is None for answer in answers):
        return None
    return tuple(answer for answer in answers if answer is not None)


def _answers(which: Which, here: Surroundings) -> Iterator[str | None]:
    if which.cluster_name is not None:
        fits = here.cluster_name == which.cluster_name
        yield f"Slurm's ClusterName is `{which.cluster_name}`" if fits else None
    for name, pattern in which.env.items():
        value = here.environment.get(name)
        fits = value is not None and fnmatchcase(value, pattern or "*")
        yield f"`{name}` is `{value}`" if fits else None
    for path, text in which.files.items():
        content = _read(here.root / path.lstrip("/"))
        fits = content is not None and text in content
        yield f"`{path}` is there" if fits else None
    if which.hostnames:
        fits = any(fnmatchcase(here.hostname, pattern) for pattern in which.hostnames)
        yield f"this node is `{here.hostname}`" if fits else None


def _cluster_name(environment: Mapping[str, str], root: Path) -> str | None:
    chosen = environment.get("SLURM_CONF")
    for path in [Path(chosen)] if chosen else [root / name for name in _SLURM_CONF]:
        content = _read(path)
        match = re.search(r"(?mi)^[ \t]*ClusterName[ \t]*=[ \t]*([^\s#]+)", content or "")
        if match:
            return match[1]
    return None


def _read(path: Path) -> str | None:
    """Read a file that lies on a disk; what waits for others, or does something, is not read."""
    try:
        if any(path.resolve().is_relative_to(tree) for tree in _OF_THE_KERNEL):
            return None
        with open(path, "rb", opener=_open_at_once) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return None
            return stream.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
