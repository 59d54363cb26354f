"""Passports of images that Apptainer built agree with what runs inside them and on the nodes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_fixture import Sandbox, run_hpcrun

pytestmark = [pytest.mark.slurm, pytest.mark.apptainer, pytest.mark.mpi]

SAY_MPI_VERSION = (
    "import ctypes, sys; text = ctypes.create_string_buffer(9000); length = ctypes.c_int();"
    "library = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL);"
    "library.MPI_Get_library_version(text, ctypes.byref(length)); print(text.value.decode())"
)
SAY_SIZE = "from mpi4py import MPI; print('world of', MPI.COMM_WORLD.size)"
SAY_GLIBC = "import os; print(os.confstr('CS_GNU_LIBC_VERSION'))"
MAKE_BASE = (
    'mkdir -p "$0/bin" "$0/usr/bin" "$0/opt/tool" && cp /bin/dash "$0/bin/sh"'
    ' && printf "#!/bin/sh\\n" >"$0/opt/tool/app" && cp "$0/opt/tool/app" "$0/usr/bin/app"'
    ' && chmod +x "$0/opt/tool/app" "$0/usr/bin/app"'
)
C_LIBRARY = ("libc.", "libm.", "libdl.", "librt.", "libpthread.", "libutil.", "ld-linux")
DEFINITION = """Bootstrap: localimage
From: {base}
%environment
    export PATH=/opt/tool:$PATH
"""


def passport_of(image: Path, *options: str) -> Any:
    shown = run_hpcrun("inspect", str(image), "--json", *options)
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


def said_inside(sandbox: Sandbox, image: Path, *argv: str) -> str:
    done = sandbox.exec("apptainer", "exec", str(image), *argv)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["openmpi", "mpich"])
def test_mpi_version_is_the_librarys_own_word(
    sandbox: Sandbox, images: Mapping[str, Path], name: str
) -> None:
    (library,) = passport_of(images[name])["mpi"]
    said = said_inside(sandbox, images[name], "python3", "-c", SAY_MPI_VERSION, library["path"])
    assert library["version"] in said.replace("v", " ").replace(",", " ").split()


@pytest.mark.parametrize("srun_mpi", ["pmix", "pmi2", "none"])
@pytest.mark.parametrize("name", ["openmpi", "mpich"])
def test_srun_wires_up_by_exactly_what_the_passport_says(
    sandbox: Sandbox, images: Mapping[str, Path], name: str, srun_mpi: str
) -> None:
    (library,) = passport_of(images[name])["mpi"]
    kinds = {ability["kind"] for ability in library["pmi"]}
    srun = ("srun", "-N2", "-n2", f"--mpi={srun_mpi}", "apptainer", "exec", str(images[name]))
    done = sandbox.exec(*srun, "python3", "-c", SAY_SIZE)
    assert (done.stdout.split("\n").count("world of 2") == 2) == (srun_mpi in kinds), done.stderr


@pytest.mark.parametrize("name", ["openmpi", "mpich", "nompi"])
def test_c_library_and_program_are_what_the_container_finds(
    sandbox: Sandbox, images: Mapping[str, Path], name: str
) -> None:
    passport = passport_of(images[name], "--for", "python3 -c 1")
    glibc = said_inside(sandbox, images[name], "python3", "-c", SAY_GLIBC)
    program = said_inside(sandbox, images[name], "sh", "-c", 'readlink -f "$(command -v python3)"')
    assert passport["is_complete"]
    assert f"glibc {passport['libc']['version']}" == glibc
    assert passport["program"]["path"] == program


def test_path_of_an_image_with_an_environment_section_is_followed(
    sandbox: Sandbox, shared_folder: Path
) -> None:
    # Not in the shared folder: it may lie below /root, over which Apptainer puts the user's home
    # while it builds from a definition file.
    image, built_in = shared_folder / "image.sif", f"/tmp/{shared_folder.name}"
    base, definition = f"{built_in}/base", f"{built_in}/image.def"
    for script, place, stdin in (
        (MAKE_BASE, base, ""),
        ('cat >"$0"', definition, DEFINITION.format(base=base)),
        ('apptainer build "$0.sif" "$0"', definition, ""),
    ):
        made = sandbox.exec("sh", "-c", script, place, stdin=stdin)
        assert made.returncode == 0, made.stderr
    moved = sandbox.exec("mv", f"{definition}.sif", str(image))
    assert moved.returncode == 0, moved.stderr
    passport = passport_of(image, "--for", "app --fast")
    assert passport["is_complete"]
    assert passport["declared_arch"] == "x86_64"
    assert passport["program"]["path"] == "/opt/tool/app"
    assert passport["program"]["kind"] == "script"


def test_closure_of_a_host_stack_is_what_the_loader_finds(sandbox: Sandbox) -> None:
    prefixes = sandbox.exec("sh", "-c", "ls -d /opt/hpc/*/").stdout.split()
    assert prefixes
    for prefix in (Path(text) for text in prefixes):
        shown = sandbox.hpcrun("inspect", "--host", str(prefix), "--json")
        assert shown.returncode == 0, shown.stderr
        stack = json.loads(shown.stdout)
        listed = [sandbox.exec("ldd", lib["path"]).stdout for lib in stack["libraries"]]
        words = [line.split("=>") for text in listed for line in text.splitlines()]
        found = {Path(word[1].split()[0]) for word in words if len(word) > 1 and "/" in word[1]}
        outside = {path.name for path in found if not path.is_relative_to(prefix)}
        told = {Path(path).name for path in stack["closure_outside"]}
        assert told == {name for name in outside if not name.startswith(C_LIBRARY)}
        assert stack["closure_missing"] == []
