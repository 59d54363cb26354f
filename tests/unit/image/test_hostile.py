"""Mutated bytes: the readers raise nothing but ImageError, and a whole passport never fails."""

import contextlib
import zlib
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpcrun.image.elf import read_elf
from hpcrun.image.errors import ImageError
from hpcrun.image.passport import read_image
from hpcrun.image.sif import read_sif
from tests.fakes.elf_builder import EXECUTABLE, ElfBuilder
from tests.fakes.memory_file import CountingBytes, opened
from tests.fakes.sif_builder import build_sif
from tests.fakes.squashfs_builder import File, Link, build_squashfs

ELF = ElfBuilder(
    kind=EXECUTABLE,
    interpreter="/lib/ld.so",
    soname="libmpi.so.40",
    needed=("liba.so.1", "libc.so.6"),
    runpath="$ORIGIN/x:/y",
    defines=("MPI_Init", "ompi_mpi_comm_world"),
    needs_symbols=("puts",),
    verneed={"libc.so.6": ("GLIBC_2.17",)},
    verdef=("X_1",),
    constants=("v4.1.4", "4.1.4", "PMI_FD"),
    use_gnu_hash=True,
).build()
PLAIN = build_squashfs(
    {
        "lib": {"libmpi.so.40": ELF, "libc.so.6": Link("libmpi.so.40"), "x": b"y" * 9000},
        "usr": {"bin": {"tool": File(ELF), "script": File(b"#!/usr/bin/env tool\n")}},
        ".singularity.d": {"env": {"10.sh": b"export PATH=/usr/bin\n"}},
    },
    compress=lambda data: data,
)
PACKED = build_squashfs({"usr": {"lib": {"libmpi.so.40": ELF}}}, compress=zlib.compress)


def mutated(content: bytes) -> st.SearchStrategy[bytes]:
    """Bytes with some of them changed to any value or to a telling one, and perhaps cut off."""
    change = st.tuples(
        st.integers(0, len(content) - 1),
        st.one_of(st.integers(0, 255), st.sampled_from((0, 1, 0x7F, 0x80, 0xFF))),
    )
    changes = st.lists(change, min_size=1, max_size=12)
    length = st.one_of(st.just(len(content)), st.integers(0, len(content)))
    return st.builds(lambda c, n: _apply(content, c)[:n], changes, length)


def _apply(content: bytes, changes: list[tuple[int, int]]) -> bytes:
    out = bytearray(content)
    for at, value in changes:
        out[at] = value
    return bytes(out)


@given(mutated(ELF))
@settings(max_examples=600, deadline=2000)
def test_elf_mutated_raises_only_image_errors_and_reads_little(content: bytes) -> None:
    file = CountingBytes(content)
    with contextlib.suppress(ImageError):
        elf = read_elf(file)
        if elf is not None:
            for name in ("needed", "soname", "rpath", "runpath", "interpreter", "symbols"):
                with contextlib.suppress(ImageError):
                    getattr(elf, name)
            for name in ("versions_needed", "versions_defined"):
                with contextlib.suppress(ImageError):
                    getattr(elf, name)
            elf.read_only_data()
    # Each question may read the file a few times over; chains of versions are the longest.
    assert file.n_read <= 4096 * 4096


@given(mutated(build_sif(b"x" * 100)[: 4096 + 3 * 585]))
@settings(max_examples=300, deadline=2000)
def test_sif_mutated_raises_only_image_errors(content: bytes) -> None:
    with opened(content) as file, contextlib.suppress(ImageError):
        read_sif(file)


@given(st.one_of(mutated(PLAIN), mutated(PACKED)))
@settings(
    max_examples=300, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_squashfs_mutated_gives_a_passport_or_an_image_error(
    tmp_path: Path, content: bytes
) -> None:
    image = tmp_path / "image.sif"
    image.write_bytes(build_sif(content))
    with contextlib.suppress(ImageError):
        facts = read_image(image, command=("script",))
        facts.model_dump_json()
