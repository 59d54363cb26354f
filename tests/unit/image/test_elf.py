"""The ELF reader: what linking needs, in every class and byte order."""

import struct

import pytest

from hpcrun.image.elf import Elf, Ident, read_elf, read_ident
from hpcrun.image.elf_symbols import Symbol
from hpcrun.image.errors import ImageError
from tests.fakes.elf_builder import (
    AARCH64,
    EXECUTABLE,
    I686,
    PPC64,
    S390X,
    SHARED,
    X86_64,
    ElfBuilder,
)
from tests.fakes.memory_file import CountingBytes

LAYOUTS = [
    (X86_64, 64, "little"),
    (AARCH64, 64, "little"),
    (S390X, 64, "big"),
    (I686, 32, "little"),
    (PPC64, 32, "big"),
]


def elf_of(builder: ElfBuilder) -> Elf:
    elf = read_elf(CountingBytes(builder.build()))
    assert elf is not None
    return elf


@pytest.mark.parametrize(("machine", "bits", "byte_order"), LAYOUTS)
@pytest.mark.parametrize("use_gnu_hash", [True, False], ids=["gnu-hash", "hash"])
def test_elf_of_any_layout_tells_everything(
    machine: int, bits: int, byte_order: str, use_gnu_hash: bool
) -> None:
    elf = elf_of(
        ElfBuilder(
            machine=machine,
            bits=bits,
            byte_order=byte_order,
            kind=EXECUTABLE,
            interpreter="/lib/ld.so.1",
            soname="libx.so.3",
            needed=("liba.so.1", "libc.so.6"),
            rpath="/one:/two",
            runpath="$ORIGIN",
            defines=("MPI_Init", "other"),
            needs_symbols=("ompi_mpi_comm_world",),
            needs_weakly=("MPI_Abi_get_version",),
            verneed={"libc.so.6": ("GLIBC_2.17", "GLIBC_2.34"), "libm.so.6": ("GLIBC_2.29",)},
            verdef=("X_1.0", "X_2.0"),
            constants=("v4.1.4", "4.1.4"),
            use_gnu_hash=use_gnu_hash,
        )
    )
    assert elf.ident == Ident(bits, byte_order, machine, EXECUTABLE)
    assert elf.interpreter == "/lib/ld.so.1"
    assert elf.soname == "libx.so.3"
    assert elf.needed == ("liba.so.1", "libc.so.6")
    assert (elf.rpath, elf.runpath) == (("/one", "/two"), ("$ORIGIN",))
    assert elf.symbol_table == (
        Symbol("ompi_mpi_comm_world", is_defined=False, is_weak=False, version=None),
        Symbol("MPI_Abi_get_version", is_defined=False, is_weak=True, version=None),
        Symbol("MPI_Init", is_defined=True, is_weak=False, version=None),
        Symbol("other", is_defined=True, is_weak=False, version=None),
    )
    assert elf.symbols == {symbol.name: symbol.is_defined for symbol in elf.symbol_table}
    assert elf.versions_needed == {
        "libc.so.6": ("GLIBC_2.17", "GLIBC_2.34"),
        "libm.so.6": ("GLIBC_2.29",),
    }
    assert elf.versions_defined == ("X_1.0", "X_2.0")
    assert elf.read_only_data() == b"\0v4.1.4\x004.1.4\0"


def test_elf_without_sections_still_tells_its_constants() -> None:
    elf = elf_of(ElfBuilder(constants=("4.1.4",), has_sections=False))
    assert b"\x004.1.4\0" in elf.read_only_data()


def test_symbols_that_share_the_end_of_one_long_string_are_refused() -> None:
    # Names without an end, each 200 kB: half a megabyte would become gigabytes.
    image = ElfBuilder(needs_symbols=("n" * 200_000,), needs_weakly=("w",) * 20_000).build()
    at = image.index(struct.pack("<IBBH", 1, 16, 0, 0)) + 24
    crowd = b"".join(struct.pack("<IBBHQQ", 1 + n, 32, 0, 0, 0, 0) for n in range(20_000))
    elf = read_elf(CountingBytes(image[:at] + crowd + image[at + len(crowd) :]))
    assert elf is not None
    with pytest.raises(ImageError, match="too long names"):
        _ = elf.symbols


def test_static_elf_needs_nothing() -> None:
    image = bytearray(ElfBuilder(kind=EXECUTABLE).build())
    struct.pack_into("<H", image, 56, 1)
    elf = read_elf(CountingBytes(bytes(image)))
    assert elf is not None
    assert not elf.is_dynamic
    assert (elf.needed, elf.soname, elf.interpreter, elf.symbols) == ((), None, None, {})


@pytest.mark.parametrize(
    "head", [b"", b"\x7fELF", b"#!/bin/sh\n" * 9, b"\x7fELF\x05\x01" + bytes(40)]
)
def test_other_bytes_are_no_elf(head: bytes) -> None:
    assert read_ident(head) is None


def test_head_alone_is_enough_for_the_architecture() -> None:
    file = CountingBytes(ElfBuilder(machine=AARCH64).build())
    assert read_ident(file.read_at(0, 20)) == Ident(64, "little", AARCH64, SHARED)
    assert file.n_read == 20


@pytest.mark.parametrize(
    ("offset", "fields", "value"),
    [
        (56, "<H", 0xFFFF),  # program headers
        (54, "<H", 1),  # size of one
        (32, "<Q", 1 << 62),  # where they are
        (64 + 56 + 32, "<Q", 1 << 50),  # size of the dynamic section
        (64 + 56 + 8, "<Q", 1 << 50),  # where it is
    ],
)
def test_lying_header_is_an_image_error(offset: int, fields: str, value: int) -> None:
    image = bytearray(ElfBuilder(needed=("liba.so.1",)).build())
    struct.pack_into(fields, image, offset, value)
    elf = read_elf(CountingBytes(bytes(image)))
    assert elf is not None
    with pytest.raises(ImageError):
        _ = elf.needed
