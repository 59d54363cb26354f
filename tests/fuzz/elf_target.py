"""The ELF readers as fuzzers run them: all that passports ask of a file; seeds that say all."""

import struct
from contextlib import suppress

from hpcrun.image.device_code import read_device_code
from hpcrun.image.elf import Elf, read_elf
from hpcrun.image.errors import ImageError
from hpcrun.model.api_names import ApiNames
from hpcrun.tables.mpi_parts import mpi_parts
from tests.fakes.elf_builder import EXECUTABLE, S390X, X86_64, ElfBuilder
from tests.fakes.memory_file import opened

QUESTIONS = (
    "segments",
    "sections",
    "dynamic",
    "needed",
    "soname",
    "rpath",
    "runpath",
    "interpreter",
    "versions_needed",
    "versions_defined",
    "symbols",
    "symbol_table",
)


def run_elf(data: bytes) -> None:
    """Ask everything; one question's ImageError does not keep the others from being asked."""
    with opened(data) as file:
        elf = read_elf(file)
        if elf is None:
            return
        for question in QUESTIONS:
            with suppress(ImageError):
                getattr(elf, question)
        for read in (_constants, _notes, read_device_code, _names):
            with suppress(ImageError):
                read(elf)


def _constants(elf: Elf) -> None:
    elf.read_only_data()


def _notes(elf: Elf) -> None:
    for _ in elf.notes():
        pass


def _names(elf: Elf) -> None:
    names = {name for name in elf.symbols if mpi_parts().is_api_name(name)}
    assert ApiNames.of(names).names == names


def _fatbin() -> bytes:
    entry = struct.pack("<HHIQIIHHI", 2, 0x101, 64, 16, 0, 0, 0, 1, 90) + bytes(48)
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(entry)) + entry


def _bundle() -> bytes:
    triple = b"hipv4-amdgcn-amd-amdhsa--gfx90a"
    return b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<QQQQ", 1, 0, 8, len(triple)) + triple


def _seed(machine: int, bits: int, byte_order: str, *, use_gnu_hash: bool) -> bytes:
    return ElfBuilder(
        machine=machine,
        bits=bits,
        byte_order=byte_order,
        kind=EXECUTABLE,
        interpreter="/lib/ld.so.1",
        soname="libx.so.3",
        needed=("libmpi.so.40", "libc.so.6"),
        rpath="/one:/two",
        runpath="$ORIGIN",
        defines=("MPI_Init", "mpi_init_"),
        needs_symbols=("ompi_mpi_comm_world",),
        needs_weakly=("MPI_Send",),
        verneed={"libc.so.6": ("GLIBC_2.17", "GLIBC_2.34")},
        verdef=("X_1.0",),
        constants=("v4.1.4", "4.1.4"),
        use_gnu_hash=use_gnu_hash,
        sections={".nv_fatbin": _fatbin(), ".hip_fatbin": _bundle()},
    ).build()


SEEDS = (
    _seed(X86_64, 64, "little", use_gnu_hash=True),
    _seed(X86_64, 64, "little", use_gnu_hash=False),
    _seed(S390X, 32, "big", use_gnu_hash=True),
)
