"""Call an MPI library by its file: who am I, of how many, where, on which library."""

import ctypes
import platform
import sys

mpi = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)
mpi.MPI_Init(None, None)
world: ctypes.c_void_p | ctypes.c_int
try:
    world = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.in_dll(mpi, "ompi_mpi_comm_world")))
except ValueError:
    # MPI_COMM_WORLD of the MPICH ABI.
    world = ctypes.c_int(0x44000000)
rank, size, length = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
text = ctypes.create_string_buffer(8192)
mpi.MPI_Comm_rank(world, ctypes.byref(rank))
mpi.MPI_Comm_size(world, ctypes.byref(size))
mpi.MPI_Get_library_version(text, ctypes.byref(length))
mpi.MPI_Barrier(world)
version = " ".join(text.value.decode().partition("\n")[0].partition(",")[0].split())
print(f"{rank.value} of {size.value} on {platform.node()}: {version}", flush=True)
mpi.MPI_Finalize()
