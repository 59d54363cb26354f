"""Commands in really built images: the MPI that is told is the one that the loader takes."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from hpcrun.image import read_image
from hpcrun.model.command import CommandFacts
from tests.fakes.sif_builder import ARM64, build_sif
from tests.mpi_tree_fixture import CALLS_MPI, MpiTree
from tests.sandbox_fixture import Sandbox, run_hpcrun

pytestmark = pytest.mark.mpi

APPS = "/opt/apps"
LIB = "/usr/lib/x86_64-linux-gnu"
OPEN_MPI, MPICH = f"{LIB}/libmpi.so.40.30.4", f"{LIB}/libmpich.so.12.2.2"
OWN = "/opt/own/lib/libmpi.so.40"


def follow(image: Path, *argv: str) -> CommandFacts:
    facts = read_image(image, command=argv).command
    assert facts is not None
    return facts


def libraries(facts: CommandFacts) -> set[str | None]:
    assert isinstance(facts.mpi_users, tuple), facts.doubts
    return {user.library for user in facts.mpi_users}


@pytest.mark.parametrize(
    ("program", "library", "rule"),
    [
        ("by-cache", OPEN_MPI, "/etc/ld.so.cache"),
        ("on-mpich", MPICH, "/etc/ld.so.cache"),
        ("by-rpath", OWN, f"RPATH of {APPS}/by-rpath"),
        ("by-runpath", OWN, f"RUNPATH of {APPS}/by-runpath"),
        ("in-cxx", OPEN_MPI, "/etc/ld.so.cache"),
        ("in-fortran", OPEN_MPI, "/etc/ld.so.cache"),
    ],
)
def test_program_gets_what_the_loader_takes(
    mpi_tree: MpiTree, program: str, library: str, rule: str
) -> None:
    facts = follow(mpi_tree.root, f"{APPS}/{program}")
    told = {each.path for each in facts.closure}
    assert told == mpi_tree.loaded_by(f"{APPS}/{program}")
    assert isinstance(facts.mpi_users, tuple)
    assert [(user.library, user.rule) for user in facts.mpi_users] == [(library, rule)]


def test_script_is_followed_to_the_program_that_it_runs(mpi_tree: MpiTree) -> None:
    facts = follow(mpi_tree.root, f"{APPS}/run.sh", "-n", "3")
    ran = mpi_tree.run(f"{APPS}/run.sh", "-n", "3")
    assert [step.path for step in facts.steps][-1] == f"{APPS}/by-rpath"
    assert libraries(facts) == {OWN}
    assert "Open MPI v4.1.4" in ran.stdout, ran.stderr


def test_program_with_mpi_linked_into_it_is_known_as_such(mpi_tree: MpiTree) -> None:
    facts = follow(mpi_tree.root, f"{APPS}/static")
    said = mpi_tree.run(f"{APPS}/static").stdout
    assert [each.implementation for each in facts.built_in] == ["MPICH"]
    assert "MPICH Version:" in said
    assert facts.mpi_users == "unknown"


def test_mpi4py_of_debian_loads_what_python_loads(mpi_tree: MpiTree) -> None:
    facts = follow(mpi_tree.root, f"{APPS}/hello.py")
    said = mpi_tree.run(f"{APPS}/hello.py")
    assert libraries(facts) == {OPEN_MPI}
    assert "mpi4py.MPI" in [module.name for module in facts.modules]
    assert "Open MPI v4.1.4" in said.stdout, said.stderr


def test_needs_are_those_of_the_closure(mpi_tree: MpiTree) -> None:
    facts = follow(mpi_tree.root, f"{APPS}/in-cxx")
    needs = {need.kind: need for need in facts.needs}
    shown = subprocess.run(
        ["readelf", "--dyn-syms", "--wide", mpi_tree.root / "opt/apps/in-cxx"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    need = needs["GLIBCXX"]
    assert need.path == f"{APPS}/in-cxx"
    assert f"{need.symbol}@GLIBCXX_{need.version}" in shown


def test_program_on_musl_gets_what_musl_takes(mpi_tree: MpiTree, tmp_path: Path) -> None:
    tools = mpi_tree.root.parent / "tools"
    root = tmp_path.resolve() / "musl"
    for folder in ("lib", "opt/mpi/lib", "usr/local/lib", "etc"):
        (root / folder).mkdir(parents=True)
    loader = root / "lib/ld-musl-x86_64.so.1"
    loader.write_bytes((tools / "lib/x86_64-linux-musl/libc.so").resolve().read_bytes())
    loader.chmod(0o755)
    specs = tmp_path / "musl-gcc.specs"
    text = (tools / "usr/lib/x86_64-linux-musl/musl-gcc.specs").read_text()
    specs.write_text(text.replace("/usr/", f"{tools}/usr/"))
    (tmp_path / "a.c").write_text(CALLS_MPI)
    (tmp_path / "mpi.c").write_text(
        "int MPI_Get_library_version(char *t, int *n) { return *n = 0; }"
    )
    gcc = ("gcc", "-specs", str(specs))
    library = root / "opt/mpi/lib/libmpi.so.12"
    made = [
        (
            *gcc,
            "-shared",
            "-fPIC",
            "-Wl,-soname,libmpi.so.12",
            str(tmp_path / "mpi.c"),
            "-o",
            library,
        ),
        (*gcc, str(tmp_path / "a.c"), library, "-Wl,-rpath,/opt/mpi/lib", "-o", root / "opt/app"),
    ]
    for argv in made:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    facts = read_image(root, command=("/opt/app",))
    assert facts.libc.kind == "musl"
    assert facts.command is not None
    assert libraries(facts.command) == {"/opt/mpi/lib/libmpi.so.12"}
    tree = MpiTree(root)
    assert {each.path for each in facts.command.closure} == tree.loaded_by(
        "/opt/app", "/lib/ld-musl-x86_64.so.1"
    )


def test_image_labelled_arm64_names_the_amd64_programs_inside(
    mpi_tree: MpiTree, tmp_path: Path
) -> None:
    packed = tmp_path / "root.squashfs"
    made = subprocess.run(
        ["mksquashfs", mpi_tree.root / "opt", packed, "-noD", "-noF", "-quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    image = tmp_path / "labelled.sif"
    image.write_bytes(build_sif(packed.read_bytes(), arch=ARM64))
    shown = run_hpcrun("inspect", str(image))
    assert "x86_64 (8 files), but declared as aarch64: the label is wrong" in shown.stdout
    assert "x86_64: /apps/by-cache, /apps/by-rpath, /apps/by-runpath and 5 further" in shown.stdout


@pytest.mark.apptainer
@pytest.mark.slurm
@pytest.mark.parametrize("name", ["openmpi", "mpich"])
def test_mpi4py_wheel_of_an_apptainer_image_takes_one_of_the_families_told(
    sandbox: Sandbox, images: Mapping[str, Path], name: str
) -> None:
    code = "from mpi4py import MPI; print(MPI.Get_library_version())"
    shown = run_hpcrun("inspect", str(images[name]), "--json", "--for", f"python3 -c '{code}'")
    passport = json.loads(shown.stdout)
    (user,) = passport["command"]["mpi_users"]
    assert PurePosixPath(user["path"]).name == "MPI"
    assert name in user["families"]
    ran = sandbox.exec("apptainer", "exec", str(images[name]), "python3", "-c", code)
    (library,) = passport["mpi"]
    assert library["version"] in ran.stdout, ran.stderr
