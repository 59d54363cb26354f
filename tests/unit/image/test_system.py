"""What programs are made for: architectures with paths, levels by strength, distribution, C++."""

import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hpcrun.image import read_image
from hpcrun.model.base import UNKNOWN
from hpcrun.model.image import ImageFacts
from hpcrun.model.seen import Certainty
from hpcrun.model.system import ArchShare, CxxLibrary, OsRelease
from tests.fakes import mpi_files
from tests.fakes.elf_builder import AARCH64, ElfBuilder
from tests.fakes.sif_builder import AMD64, ARM64, build_sif
from tests.fakes.squashfs_builder import File, Tree, build_squashfs, nested

LIB = "usr/lib/x86_64-linux-gnu"
Read = Callable[..., ImageFacts]
ROCKY = b'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n'


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return a function that puts files into a SIF and reads its passport."""

    def put_and_read(files: Mapping[str, Tree], *, arch: str = AMD64) -> ImageFacts:
        image = tmp_path / "image.sif"
        image.write_bytes(build_sif(build_squashfs(nested(files)), arch=arch))
        return read_image(image)

    return put_and_read


def isa_needed(bits: int, *, kind: int = 0xC0008002) -> bytes:
    """Return a note that asks for processor levels."""
    content = struct.pack("<IIII", kind, 4, bits, 0)
    return struct.pack("<III", 4, len(content), 5) + b"GNU\0" + content


def test_each_architecture_has_paths_own_programs_first(read: Read) -> None:
    files: dict[str, Tree] = {
        "usr/bin/tool": File(mpi_files.program()),
        f"{LIB}/libx.so.1": mpi_files.library("libx.so.1"),
        "opt/ants/bin/register": File(mpi_files.program()),
        "usr/lib/own.so": ElfBuilder(machine=AARCH64).build(),
    }
    facts = read(files, arch=ARM64)
    assert facts.system.archs == (
        ArchShare(
            arch="x86_64",
            n_files=3,
            examples=("/opt/ants/bin/register", "/usr/bin/tool", f"/{LIB}/libx.so.1"),
        ),
        ArchShare(arch="aarch64", n_files=1, examples=("/usr/lib/own.so",)),
    )


def test_levels_are_told_by_strength(read: Read) -> None:
    spack = "opt/spack/linux-rocky8-zen3/gcc-13/solver-1/bin/solver"
    files: dict[str, Tree] = {
        "etc/os-release": ROCKY,
        "opt/bin/a": File(ElfBuilder(interpreter="/l", note=isa_needed(1 | 2 | 4)).build()),
        "opt/bin/b": File(ElfBuilder(interpreter="/l", note=isa_needed(1 | 2 | 4)).build()),
        "opt/bin/c": File(ElfBuilder(interpreter="/l", note=isa_needed(1)).build()),
        spack: File(mpi_files.program()),
        f"{LIB}/glibc-hwcaps/x86-64-v4/libx.so.1": mpi_files.library("libx.so.1"),
    }
    signs = read(files).system.levels
    told = [(s.level, s.is_needed, s.n_files, s.certainty) for s in signs]
    assert told == [
        ("x86_64_v3", True, 2, Certainty.SURE),
        ("x86_64_v2", True, 0, Certainty.LIKELY),
        ("x86_64_v4", False, 1, Certainty.SURE),
        ("zen3", True, 1, Certainty.HINT),
    ]
    assert signs[0].evidence == "GNU_PROPERTY_X86_ISA_1_NEEDED in /opt/bin/a"


def test_folder_that_only_looks_like_a_target_is_no_sign(read: Read) -> None:
    files: dict[str, Tree] = {"opt/linux-any-thing/bin/x": File(mpi_files.program())}
    assert read(files).system.levels == ()


def test_protections_are_counted_and_are_no_level(read: Read) -> None:
    note = isa_needed(3, kind=0xC0000002)
    files: dict[str, Tree] = {"opt/a": File(ElfBuilder(interpreter="/l", note=note).build())}
    system = read(files).system
    assert (system.protections, system.levels) == ({"IBT": 1, "SHSTK": 1}, ())


@pytest.mark.parametrize(
    "note", [b"", b"\xff" * 40, isa_needed(2)[:-9], struct.pack("<III", 4, 1 << 31, 5) + b"GNU\0"]
)
def test_damaged_note_is_no_sign(read: Read, note: bytes) -> None:
    files: dict[str, Tree] = {"opt/a": File(ElfBuilder(interpreter="/l", note=note).build())}
    assert read(files).system.levels == ()


def test_distribution_is_read_and_capped(read: Read) -> None:
    text = ROCKY + b"PRETTY_NAME='" + b"x" * 5000 + b"'\nrun=$(date)\n"
    os = read({"usr/lib/os-release": text}).system.os
    assert os == OsRelease(
        id="rocky",
        version="9.4",
        name="x" * 200,
        like=("rhel", "centos", "fedora"),
        path="/usr/lib/os-release",
    )


def test_cxx_library_tells_what_it_offers(read: Read) -> None:
    library = ElfBuilder(
        soname="libstdc++.so.6",
        verdef=("GLIBCXX_3.4", "GLIBCXX_3.4.9", "GLIBCXX_3.4.30", "CXXABI_1.3", "CXXABI_1.3.13"),
    ).build()
    files: dict[str, Tree] = {
        f"{LIB}/libstdc++.so.6.0.30": library,
        "opt/conda/lib/deep/libstdc++.so.6": library,
    }
    assert read(files).system.libstdcxx == CxxLibrary(
        path=f"/{LIB}/libstdc++.so.6.0.30",
        glibcxx="3.4.30",
        cxxabi="1.3.13",
        evidence=f"verdef GLIBCXX_3.4.30 in /{LIB}/libstdc++.so.6.0.30",
    )


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (None, True),
        (b"export PYTHONNOUSERSITE=1\n", False),
        (b"PYTHONNOUSERSITE=$(date)\n", UNKNOWN),
    ],
)
def test_user_packages_are_a_risk_unless_the_image_says_otherwise(
    read: Read, script: bytes | None, expected: object
) -> None:
    files: dict[str, Tree] = {"usr/bin/python3.13": File(mpi_files.program())}
    if script is not None:
        files[".singularity.d/env/90-environment.sh"] = script
    site = read(files).system.user_site
    assert site is not None
    assert site.is_read == expected
    assert read({"bin/x": File(mpi_files.program())}).system.user_site is None
