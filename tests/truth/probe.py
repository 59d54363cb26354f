"""One rank of the truth table by mpi4py: says whom it sees, on which library, as one JSON line."""

import json
import socket
from pathlib import Path

from mpi4py import MPI  # type: ignore[import-not-found]


def library_path() -> str:
    """Return the MPI library that is mapped into this process."""
    maps = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    paths = [line.split()[-1] for line in maps if "/" in line]
    names = ("libmpi.so", "libmpich.so", "libmpi_abi")
    return next((p for p in paths if p.rsplit("/", 1)[-1].startswith(names)), "")


world = MPI.COMM_WORLD
rank, size = world.rank, world.size
seen = {
    "rank": rank,
    "size": size,
    "host": socket.gethostname(),
    "sum": world.allreduce(rank),
    "from": world.sendrecv(rank, dest=(rank + 1) % size, source=(rank - 1) % size),
    "path": library_path(),
    "library": MPI.Get_library_version().split("\n")[0][:80],
}
print("RANK", json.dumps(seen), flush=True)
