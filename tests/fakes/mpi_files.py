"""ELF files that look like MPI installations as far as linking goes; does not know any reader."""

from collections.abc import Sequence

from tests.fakes.elf_builder import X86_64, ElfBuilder

MPICH_CONSTANTS = ("MPICH Version:", "PMI_FD", "cmd=get_maxes")


def open_mpi(
    version: str = "4.1.4",
    *,
    needed: Sequence[str] = ("libopen-pal.so.40", "libc.so.6"),
    machine: int = X86_64,
    soname: str = "libmpi.so.40",
    runpath: str | None = None,
) -> bytes:
    """Return a libmpi.so.40."""
    return ElfBuilder(
        soname=soname,
        needed=needed,
        runpath=runpath,
        machine=machine,
        defines=("MPI_Init", "ompi_mpi_comm_world"),
        constants=(f"v{version}", version, "1.2.11"),
        verneed={"libc.so.6": ("GLIBC_2.17",)},
    ).build()


def mpich(
    version: str = "4.0.2",
    *,
    soname: str = "libmpich.so.12",
    needed: Sequence[str] = ("libc.so.6",),
    constants: Sequence[str] = MPICH_CONSTANTS,
) -> bytes:
    """Return a libmpich.so.12."""
    return ElfBuilder(
        soname=soname,
        needed=needed,
        defines=("MPI_Init",),
        constants=(version, "0.13.99", *constants),
        verneed={"libc.so.6": ("GLIBC_2.34",)},
    ).build()


def library(soname: str, *, needed: Sequence[str] = (), constants: Sequence[str] = ()) -> bytes:
    """Return a shared library."""
    return ElfBuilder(soname=soname, needed=needed, constants=constants).build()


def component(name: str, *, needed: Sequence[str] = ("libpmix.so.2",)) -> bytes:
    """Return an Open MPI component mca_pmix_<name>.so."""
    return ElfBuilder(needed=needed, defines=(f"mca_pmix_{name}_component",)).build()


def program(*needed: str, machine: int = X86_64) -> bytes:
    """Return a program."""
    return ElfBuilder(machine=machine, interpreter="/lib64/ld.so", needed=needed).build()


def glibc(version: str = "2.36") -> bytes:
    """Return a libc.so.6."""
    banner = f"GNU C Library (Any GLIBC {version}-9) stable release version {version}.\n"
    return ElfBuilder(
        soname="libc.so.6", verdef=("GLIBC_2.2.5", "GLIBC_2.17"), constants=(banner,)
    ).build()
