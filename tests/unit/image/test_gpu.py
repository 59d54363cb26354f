"""GPU libraries, toolkits, settings and the processors of embedded device code."""

import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from hpcrun.image import read_image
from hpcrun.image.device_code import read_device_code
from hpcrun.image.elf import read_elf
from hpcrun.image.errors import ImageError
from hpcrun.model.gpu import GpuFacts
from tests.fakes.elf_builder import ElfBuilder
from tests.fakes.memory_file import CountingBytes

PTX, CUBIN = 1, 2


def fatbin(*entries: tuple[int, int]) -> bytes:
    """Return a fat binary: a header, then entries of a kind and a processor with 16 bytes each."""
    body = b"".join(
        struct.pack("<HHIQIIHHI", kind, 0x101, 64, 16, 0, 0, 0, 1, number) + bytes(32) + b"c" * 16
        for kind, number in entries
    )
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body)) + body


@pytest.mark.parametrize(
    ("flags", "suffix"), [(0x11, ""), (0x1000011, ""), (0x100011, "a"), (0x1200011, "f")]
)
def test_code_for_one_processor_or_family_alone_says_so(flags: int, suffix: str) -> None:
    """Flags as nvcc 13.0 sets them for sm_80, sm_120, sm_90a and sm_100f."""
    head = struct.pack("<HHIQIIHHI", CUBIN, 0x101, 64, 16, 0, 0, 8, 1, 100)
    entry = (head.ljust(40, b"\0") + struct.pack("<Q", flags)).ljust(64, b"\0") + b"c" * 16
    code = struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(entry)) + entry
    assert targets({".nv_fatbin": code}) == ((f"sm_100{suffix}",), ())


def bundle(*triples: str) -> bytes:
    """Return one of Clang's offload bundles, a page long."""
    data = b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<Q", len(triples))
    for triple in triples:
        data += struct.pack("<QQQ", 4000, 10, len(triple)) + triple.encode()
    return data.ljust(4096, b"\0")


def targets(sections: Mapping[str, bytes]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    elf = read_elf(CountingBytes(ElfBuilder(sections=sections).build()))
    assert elf is not None
    found = read_device_code(elf)
    assert found is not None
    return found.compiled, found.portable


def test_processors_of_fat_binaries_are_told_in_order() -> None:
    code = fatbin((CUBIN, 90), (CUBIN, 100), (PTX, 90)) + bytes(8) + fatbin((CUBIN, 70))
    assert targets({".nv_fatbin": code}) == (("sm_70", "sm_90", "sm_100"), ("compute_90",))


def test_processors_of_offload_bundles_are_told() -> None:
    first = bundle("host-x86_64-unknown-linux", "hipv4-amdgcn-amd-amdhsa--gfx90a:xnack+")
    second = bundle("hip-amdgcn-amd-amdhsa--gfx1030")
    assert targets({".hip_fatbin": first + second}) == (("gfx90a:xnack+", "gfx1030"), ())


def test_compressed_bundle_hides_its_processors() -> None:
    assert targets({".hip_fatbin": b"CCOB" + bytes(60)}) == (("compressed",), ())


def test_file_without_device_code_has_none() -> None:
    elf = read_elf(CountingBytes(ElfBuilder().build()))
    assert elf is not None
    assert read_device_code(elf) is None


def test_large_section_is_read_by_its_heads_and_up_to_a_bound() -> None:
    entry = struct.pack("<HHIQIIHHI", CUBIN, 0x101, 64, 9 << 20, 0, 0, 0, 1, 80).ljust(64, b"\0")
    code = (
        struct.pack("<IHHQ", 0xBA55ED50, 1, 16, 3 * (64 + (9 << 20)))
        + (entry + bytes(9 << 20)) * 2
        + struct.pack("<HHIQIIHHI", CUBIN, 0x101, 64, 9 << 20, 0, 0, 0, 1, 90).ljust(64, b"\0")
    )
    file = CountingBytes(ElfBuilder(sections={".nv_fatbin": code}).build())
    elf = read_elf(file)
    assert elf is not None
    found = read_device_code(elf)
    assert found is not None
    assert (found.compiled, found.is_whole) == (("sm_80",), False)
    assert file.n_read < 10_000


@pytest.mark.parametrize(
    "code",
    [
        struct.pack("<IHHQ", 0xBA55ED50, 1, 16, 1 << 60) + bytes(8),
        struct.pack("<IHHQ", 0xBA55ED50, 1, 0, 0) * 3000,
        fatbin((CUBIN, 70))[:16] + struct.pack("<HHIQIIHHI", 2, 1, 0, 0, 0, 0, 0, 1, 70) * 9,
        b"__CLANG_OFFLOAD_BUNDLE__" + b"\xff" * 64,
    ],
    ids=["huge", "empty-headers", "entry-without-size", "endless-bundle"],
)
def test_lying_headers_end(code: bytes) -> None:
    elf = read_elf(
        CountingBytes(ElfBuilder(sections={".nv_fatbin": code, ".hip_fatbin": code}).build())
    )
    assert elf is not None
    with suppress(ImageError):
        read_device_code(elf)


def gpu_of(root: Path, files: Mapping[str, bytes]) -> GpuFacts:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755)
    return read_image(root).gpu


def test_libraries_tell_versions_by_file_names_and_constants(tmp_path: Path) -> None:
    facts = gpu_of(
        tmp_path,
        {
            "usr/local/cuda-12.4/compat/libcuda.so.550.54.15": ElfBuilder().build(),
            "usr/lib/libcudart.so.12.4.127": ElfBuilder(soname="libcudart.so.12").build(),
            "usr/lib/libnccl.so.2": ElfBuilder(constants=("NCCL version 2.29.7+cuda12.9",)).build(),
            "usr/lib/libnccl-net-ofi.so": ElfBuilder().build(),
            "opt/rocm/lib/libamdhip64.so.6.4.43484": ElfBuilder(soname="libamdhip64.so.6").build(),
        },
    )
    assert {(library.kind, library.version) for library in facts.libraries} == {
        ("cuda-compat", "550.54.15"),
        ("cuda-runtime", "12.4.127"),
        ("nccl", "2.29.7"),
        ("nccl-plugin", "unknown"),
        ("rocm-runtime", "6.4.43484"),
    }


def test_toolkits_and_settings_are_told(tmp_path: Path) -> None:
    facts = gpu_of(
        tmp_path,
        {
            "usr/local/cuda-12.4/version.json": b'{"cuda": {"name": "CUDA", "version": "12.4.1"}}',
            "opt/rocm-6.4.1/.info/version": b"6.4.1-83\n",
            ".singularity.d/env/10-docker2singularity.sh": (
                b'export NVIDIA_REQUIRE_CUDA="${NVIDIA_REQUIRE_CUDA:-"cuda>=12.4 brand=tesla"}"\n'
                b'export NVIDIA_VISIBLE_DEVICES="${NVIDIA_VISIBLE_DEVICES:-"all"}"\n'
                b"export OTHER=1\n"
            ),
        },
    )
    assert [(kit.kind, kit.version) for kit in facts.toolkits] == [
        ("cuda", "12.4.1"),
        ("rocm", "6.4.1"),
    ]
    assert facts.environment == {
        "NVIDIA_REQUIRE_CUDA": "cuda>=12.4 brand=tesla",
        "NVIDIA_VISIBLE_DEVICES": "all",
    }


def test_code_is_looked_for_in_programs_that_need_a_gpu_library(tmp_path: Path) -> None:
    code = {".nv_fatbin": fatbin((CUBIN, 90))}
    user = ElfBuilder(interpreter="/lib/ld.so", needed=("libcudart.so.12",), sections=code)
    other = ElfBuilder(interpreter="/lib/ld.so", sections=code)
    facts = gpu_of(tmp_path, {"usr/bin/solver": user.build(), "usr/bin/other": other.build()})
    assert [(code.path, code.targets) for code in facts.code] == [("/usr/bin/solver", ("sm_90",))]


def test_code_is_looked_for_in_own_programs_that_hold_the_runtime_themselves(
    tmp_path: Path,
) -> None:
    code = {".nv_fatbin": fatbin((CUBIN, 80), (PTX, 80)), ".rodata.large": bytes(256 << 10)}
    built = ElfBuilder(interpreter="/lib/ld.so", needed=("libc.so.6",), sections=code).build()
    facts = gpu_of(tmp_path, {"opt/app/bin/solver": built, "usr/bin/packaged": built})
    (found,) = facts.code
    assert (found.path, found.targets, found.portable) == (
        "/opt/app/bin/solver",
        ("sm_80",),
        ("compute_80",),
    )
