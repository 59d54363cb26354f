"""GPU software of Debian's ROCm: versions and processors are what packages and code objects say."""

import os
import re
import struct
import subprocess
from pathlib import Path

import pytest

from hpcrun.image import read_image
from hpcrun.model.base import UNKNOWN

pytestmark = pytest.mark.mpi

PACKAGES = ("libamdhip64-5", "librocrand1")
MACHINES = {
    0x2A: "gfx803",
    0x2C: "gfx900",
    0x2F: "gfx906",
    0x30: "gfx908",
    0x36: "gfx1030",
    0x37: "gfx1031",
    0x38: "gfx1032",
    0x3F: "gfx90a",
    0x41: "gfx1100",
    0x46: "gfx1101",
    0x47: "gfx1102",
    0x33: "gfx1010",
    0x4C: "gfx942",
}
"""EF_AMDGPU_MACH, LLVM's AMDGPU usage guide, "AMDGPU ELF Header e_flags"."""
XNACK = {0x200: ":xnack-", 0x300: ":xnack+"}
EM_AMDGPU = 224


@pytest.fixture(scope="module")
def rocm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tree of Debian's ROCm packages of the suite that apt knows here."""
    folder = tmp_path_factory.mktemp("rocm")
    folder.chmod(0o755)
    argv = ["apt-get", "download", "--quiet", *PACKAGES]
    try:
        done = subprocess.run(
            argv, cwd=folder, capture_output=True, text=True, timeout=600, check=False
        )
    except FileNotFoundError:
        pytest.skip("there is no apt-get here")
    if done.returncode:
        pytest.skip(f"apt-get cannot fetch {PACKAGES}: {done.stderr.strip()[-200:]}")
    root = folder / "root"
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, root], check=True)
    return root


def section(library: Path, name: str) -> bytes:
    """Cut a section out by the words of readelf."""
    told = subprocess.run(["readelf", "-SW", library], capture_output=True, text=True, check=True)
    match = re.search(rf"{re.escape(name)}\s+\w+\s+\w+\s+(\w+)\s+(\w+)", told.stdout)
    assert match is not None
    with library.open("rb") as file:
        return os.pread(file.fileno(), int(match[2], 16), int(match[1], 16))


def code_objects(content: bytes) -> set[str]:
    """Name the processors of all code objects by the flags in their own ELF headers."""
    found = set()
    for match in re.finditer(rb"\x7fELF\x02\x01", content):
        (machine,) = struct.unpack_from("<H", content, match.start() + 18)
        (flags,) = struct.unpack_from("<I", content, match.start() + 48)
        if machine == EM_AMDGPU:
            found.add(MACHINES[flags & 0xFF] + XNACK.get(flags & 0x300, ""))
    return found


def test_processors_of_a_rocm_library_are_those_of_its_code_objects(rocm: Path) -> None:
    facts = read_image(rocm)
    (code,) = facts.gpu.code
    truth = code_objects(section(rocm / code.path.lstrip("/"), ".hip_fatbin"))
    assert len(truth) >= 5
    assert set(code.targets) == truth
    assert (code.portable, code.certainty) == ((), "sure")


def test_rocm_runtime_has_the_release_of_its_package_and_libraries_claim_none(rocm: Path) -> None:
    libraries = {library.kind: library for library in read_image(rocm).gpu.libraries}
    (package,) = rocm.parent.glob("libamdhip64-5_*.deb")
    release = re.match(r"libamdhip64-5_(\d+\.\d+)\.", package.name)
    assert release is not None
    version = libraries["rocm-runtime"].version
    assert isinstance(version, str)
    assert version.startswith(f"{release[1]}.")
    # librocrand.so.1.1 of ROCm 5.3: the number of the file is that of its interface.
    assert libraries["rocm-library"].version == UNKNOWN
