"""A file tree with two MPIs and programs really built on them: an image not made by Apptainer.

Debian 12's packages are fetched by apt-get and unpacked, without root and without running any of
their scripts; programs are compiled by this machine's gcc and, inside a user namespace, run in the
tree. Made once per session.
"""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["mpi_tree"]

SUITE = "bookworm"
RUN_TIME = (
    *("libc6", "libc-bin", "dash", "coreutils", "libselinux1", "libpcre2-8-0", "libacl1"),
    *("libattr1", "libgmp10", "libstdc++6", "libgcc-s1", "zlib1g", "libexpat1", "libcap2"),
    *("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "python3-mpi4py"),
    *("libopenmpi3", "libmpich12", "libhwloc15", "libevent-core-2.1-7", "libudev1"),
    *("libevent-pthreads-2.1-7", "libpmix2", "libucx0", "libfabric1", "libgfortran5"),
    *("libquadmath0", "libmunge2", "libnuma1", "libibverbs1", "librdmacm1", "libnl-3-200"),
    *("libnl-route-3-200", "libpsm2-2", "libpsm-infinipath1", "libatomic1", "libcrypt1"),
)
BUILD_TIME = ("libmpich-dev", "gfortran-12", "libgfortran-12-dev", "musl", "musl-dev", "musl-tools")
LIB = "usr/lib/x86_64-linux-gnu"
CALLS_MPI = """
int MPI_Get_library_version(char *, int *); int puts(const char *);
int main(void) { char text[9000]; int n; MPI_Get_library_version(text, &n); return puts(text) < 0; }
"""
CALLS_CXX = "#include <string>\n#include <cstdio>\n" + (
    'extern "C" int MPI_Get_library_version(char *, int *);\n'
    "int main(int n, char **) { char t[9000]; int m; MPI_Get_library_version(t, &m);"
    " std::string s(t); s.resize(n * 40); return std::puts(s.c_str()) < 0; }\n"
)
CALLS_FORTRAN = """
program hello
  external MPI_INITIALIZED
  logical :: is_done
  integer :: error
  call MPI_INITIALIZED(is_done, error)
  print *, 'Fortran', is_done
end program
"""
SCRIPT = '#!/bin/sh\nset -e\nHERE=$(cd "$(dirname "$0")" && pwd)\nexec "$HERE/by-rpath" "$@"\n'
PYTHON = """#!/usr/bin/env python3.11
import mpi4py
mpi4py.rc.initialize = False
from mpi4py import MPI
print(MPI.Get_library_version())
"""


@dataclass(frozen=True)
class MpiTree:
    """The tree, and how to run what lies in it."""

    root: Path

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command with the tree as its root, as an ordinary user can."""
        return subprocess.run(
            ["unshare", "-r", "chroot", self.root, *argv],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C", "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def loaded_by(self, program: str, loader: str = "/lib64/ld-linux-x86-64.so.2") -> set[str]:
        """Ask the tree's own loader what a program gets; real paths."""
        shown = self.run(loader, "--list", program)
        assert shown.returncode == 0, shown.stderr
        words = (line.split() for line in shown.stdout.splitlines())
        paths = (w[2] if w[1:2] == ["=>"] else w[0] for w in words)
        asked = sorted(path for path in paths if path.startswith("/"))
        if not (self.root / "usr/bin/readlink").exists():
            return set(asked)  # a tree without links
        return set(self.run("readlink", "-f", *asked).stdout.split())


@pytest.fixture(scope="session")
def mpi_tree(tmp_path_factory: pytest.TempPathFactory) -> MpiTree:
    """Return the tree; where it cannot be made the test is skipped with the reason."""
    if f"VERSION_CODENAME={SUITE}" not in Path("/etc/os-release").read_text():
        pytest.skip(f"the packages are those of Debian {SUITE}, and this is another system")
    if shutil.which("g++") is None:
        pytest.skip("there is no g++ here")
    tree = MpiTree(tmp_path_factory.mktemp("mpi-tree").resolve() / "root")
    if _run("unshare", "-r", "true").returncode != 0:
        pytest.skip("this user may not make user namespaces")
    packages = tree.root.parent / "packages"
    packages.mkdir()
    fetched = _run("apt-get", "download", *RUN_TIME, *BUILD_TIME, folder=packages)
    if fetched.returncode != 0:
        pytest.skip(f"the Debian archive is out of reach: {fetched.stderr[-200:]}")
    tools = tree.root.parent / "tools"
    for part in ("bin", "sbin", "lib", "lib64"):
        (tree.root / "usr" / part).mkdir(parents=True)
        (tree.root / part).symlink_to(f"usr/{part}")
    for package in packages.iterdir():
        is_tool = package.name.startswith(tuple(f"{name}_" for name in BUILD_TIME))
        _unpack(package, tools if is_tool else tree.root)
    _build(tree, tools)
    made = _run("unshare", "-r", "ldconfig", "-r", str(tree.root))
    assert made.returncode == 0, made.stderr
    return tree


def _build(tree: MpiTree, tools: Path) -> None:
    """Compile the programs of the tree."""
    apps, own = tree.root / "opt/apps", tree.root / "opt/own/lib"
    apps.mkdir(parents=True)
    own.mkdir(parents=True)
    lib = tree.root / LIB
    shutil.copy(lib / "libmpi.so.40.30.4", own / "libmpi.so.40")
    sources = tree.root.parent
    (sources / "a.c").write_text(CALLS_MPI)
    (sources / "a.cc").write_text(CALLS_CXX)
    (sources / "a.f90").write_text(CALLS_FORTRAN)
    links = (f"-L{lib}", "-Wl,--allow-shlib-undefined", f"-Wl,-rpath-link,{lib}")
    rpath = "-Wl,-rpath,$ORIGIN/../own/lib"
    openmpi, old = "-l:libmpi.so.40", "-Wl,--disable-new-dtags"
    c_source = str(sources / "a.c")
    static = [str(tools / LIB / "libmpich.a")]
    static += [f"-l:{name}" for name in ("libucp.so.0", "libucs.so.0", "libhwloc.so.15")]
    _compile("gcc", c_source, *links, openmpi, output=apps / "by-cache")
    _compile("gcc", c_source, *links, "-l:libmpich.so.12", output=apps / "on-mpich")
    _compile("gcc", c_source, *links, openmpi, old, rpath, output=apps / "by-rpath")
    _compile("gcc", c_source, *links, openmpi, rpath, output=apps / "by-runpath")
    _compile("gcc", c_source, *static, *links, "-lm", "-pthread", output=apps / "static")
    _compile("g++", str(sources / "a.cc"), *links, openmpi, output=apps / "in-cxx")
    _build_fortran(sources / "a.f90", tools, links, apps / "in-fortran")
    for name, text in (("run.sh", SCRIPT), ("hello.py", PYTHON)):
        (apps / name).write_text(text)
        (apps / name).chmod(0o755)


def _build_fortran(source: Path, tools: Path, links: Sequence[str], output: Path) -> None:
    place = tools / "usr/lib/gcc/x86_64-linux-gnu/12"
    compiler = str(tools / "usr/bin/x86_64-linux-gnu-gfortran-12")
    made = source.with_suffix(".o")
    _compile(compiler, "-B", f"{place}/", "-c", str(source), output=made)
    fortran = ("-l:libmpi_mpifh.so.40", "-l:libmpi.so.40", "-l:libgfortran.so.5")
    _compile("gcc", str(made), *links, *fortran, output=output)


def _unpack(package: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    script = 'dpkg-deb --fsys-tarfile "$0" | tar -x -C "$1" --keep-directory-symlink'
    done = _run("sh", "-c", script, str(package), str(folder))
    assert done.returncode == 0, done.stderr


def _compile(*argv: str, output: Path) -> None:
    done = _run(*argv, "-o", str(output))
    assert done.returncode == 0, done.stderr


def _run(*argv: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv, capture_output=True, text=True, timeout=300, check=False, cwd=folder
    )
