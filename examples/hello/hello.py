#!/usr/bin/env python3
"""Each rank says who it is, where it runs and which MPI library it really got.

Runs on any MPI: mpi4py's wheel takes the library that it finds. Computes nothing.
"""

import os

from mpi4py import MPI


def main():
    comm = MPI.COMM_WORLD
    name = " ".join(MPI.Get_library_version().splitlines()[0].split(",")[0].split())
    place = f"{MPI.Get_processor_name()}, process {os.getpid()}"
    lines = comm.gather(f"rank {comm.rank} of {comm.size} on {place}: {name}")
    if lines is not None:  # rank 0, which has the lines of all in the order of ranks
        print("\n".join(lines))


if __name__ == "__main__":
    main()
