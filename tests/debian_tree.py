"""Debian's MPI packages unpacked into a folder, and how to run what lies there; judges nothing.

A row's name is what its tree must turn out to hold: family, version of the MPI, processor. Packages
are fetched by mmdebstrap and unpacked; none of their scripts runs, and no root is needed.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hpcrun.sandbox import emulation
from hpcrun.sandbox.identity import find_identity
from hpcrun.sandbox.lock import locked
from hpcrun.sandbox.places import places
from hpcrun.sandbox.progress import Silent
from hpcrun.sandbox.rootfs import (
    explain_failure,
    mmdebstrap_environment,
    read_apt_proxies,
    read_mirror,
)

BASE = ("base-files", "libc6", "libc-bin", "libstdc++6", "python3")
PACKAGES = {"openmpi": ("openmpi-bin", "python3-mpi4py"), "mpich": ("mpich",)}
LEFT_OUT = (
    "/usr/share/*",
    # UCX drags in ROCm for AMD GPUs, 240 MB; its plugins go with it.
    *("/usr/lib/*/libLLVM*", "/usr/lib/*/libamd*", "/usr/lib/*/libhsa*", "/usr/lib/*/libz3*"),
    "/usr/lib/*/ucx/*rocm*",
)
KEPT = ("/usr/share/openmpi/*", "/usr/share/pmix*", "/usr/share/prte*", "/usr/share/prrte/*")
DEBIAN_ARCH = {"x86_64": "amd64", "aarch64": "arm64"}
LOADER = {"x86_64": "/lib64/ld-linux-x86-64.so.2", "aarch64": "/lib/ld-linux-aarch64.so.1"}
ROLLING = "sid"
IN_ROOT = """
import os, sys
root, emulator, *argv = sys.argv[1:]
program = os.open(emulator, os.O_RDONLY) if emulator else None
os.chroot(root)
os.chdir("/")
if program is None:
    os.execvp(argv[0], argv)
os.execve(program, ["emulator", *argv], os.environ)
"""
REAL_PATHS = "import os, sys; print('\\n'.join(map(os.path.realpath, sys.argv[1:])))"


@dataclass(frozen=True)
class Row:
    """One tree: which MPI, of which suite, for which processor."""

    family: str
    version: str
    arch: str
    suite: str

    @property
    def name(self) -> str:
        """What facts files of this tree are called."""
        return f"{self.family}-{self.version}-{self.arch}"

    @property
    def packages(self) -> tuple[str, ...]:
        """What is unpacked, with all that it depends on."""
        return (*BASE, *PACKAGES[self.family])


ROWS = tuple(
    Row(family, version, arch, suite)
    for family, version, suite in (
        ("openmpi", "4.1.0", "bullseye"),
        ("mpich", "3.4.1", "bullseye"),
        ("openmpi", "4.1.4", "bookworm"),
        ("mpich", "4.0.2", "bookworm"),
        ("openmpi", "5.0.7", "trixie"),
        ("mpich", "4.2.1", "trixie"),
        ("openmpi", "6.0.0rc2", "sid"),
        ("mpich", "5.0.2", "sid"),
    )
    for arch in DEBIAN_ARCH
)


@dataclass(frozen=True)
class DebianTree:
    """A tree, and how to run what lies in it."""

    root: Path
    row: Row
    emulator: Path | None

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the tree, by its path, with the tree as its root."""
        unshare = ("unshare", "-r", "-m", "-p", "-f", "--kill-child", "sh", "-c")
        script = 'mount -t proc proc "$1/proc" && exec python3 -I -c "$0" "$@"'
        emulator = str(self.emulator or "")
        return subprocess.run(
            [*unshare, script, IN_ROOT, str(self.root), emulator, *argv],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                "LC_ALL": "C",
                "HOME": "/",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )

    def ask_python(self, code: str, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run code by the tree's own Python."""
        return self.run("/usr/bin/python3", "-I", "-c", code, *argv)

    def listed_by_loader(self, file: str) -> dict[str, str | None]:
        """Ask the tree's own loader what a program or library gets: file by soname."""
        shown = self.run(LOADER[self.row.arch], "--list", file)
        found: dict[str, str | None] = {}
        for line in shown.stdout.splitlines():
            name, arrow, place = line.strip().partition(" => ")
            if arrow:
                found[name] = None if place.startswith("not found") else place.split(" (")[0]
            elif name.startswith("/"):
                loader = name.split(" (")[0]
                found[loader] = loader
        return found

    def real_paths(self, paths: Mapping[str, str | None]) -> dict[str, str | None]:
        """Follow the links of paths, by the tree's own Python."""
        asked = {name: path for name, path in paths.items() if path is not None}
        done = self.ask_python(REAL_PATHS, *asked.values())
        found = dict(zip(asked, done.stdout.splitlines(), strict=True))
        return {name: found.get(name) for name in paths}


def emulator_for(arch: str) -> Path | None:
    """Return the sandbox's own emulator, from its cache, for another processor than this one."""
    if arch == os.uname().machine:
        return None
    row = emulation.find_row(os.uname().machine)
    assert row is not None
    assert row.arch == arch
    where = places("tests")
    with locked(where.root):
        provided = emulation.provide(where, find_identity(), Silent(), registers=True)
    return provided.folder / row.program


def build_command(row: Row, *, mirror: str | None, apt_options: Sequence[str] = ()) -> list[str]:
    """Compose the command line that writes the tree as a tar to its output."""
    stale = ['--aptopt=Acquire::Check-Valid-Until "false"'] if row.suite == ROLLING else []
    return [
        *("mmdebstrap", "--format=tar", "--variant=extract", *stale),
        *(f"--aptopt={option}" for option in apt_options),
        f"--architectures={DEBIAN_ARCH[row.arch]}",
        f"--include={','.join(row.packages)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        *(f"--dpkgopt=path-include={pattern}" for pattern in KEPT),
        *(row.suite, "-", *([mirror] if mirror else [])),
    ]


def build_tree(row: Row, folder: Path) -> DebianTree:
    """Make a tree; a suite that is gone and an archive out of reach raise different errors."""
    root, tar = folder / row.name, folder / f"{row.name}.tar"
    mirror = read_mirror()
    argv = build_command(row, mirror=mirror, apt_options=read_apt_proxies())
    # Root's mmdebstrap mounts what others see, who may be looking whether a sandbox left mounts.
    apart = ("unshare", "--mount", "--") if os.geteuid() == 0 else ()
    with tar.open("wb") as output:
        made = subprocess.run(
            [*apart, *argv],
            stdout=output,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            env=mmdebstrap_environment(os.environ),
        )
    if made.returncode != 0:
        raise explain_failure(made.stderr.splitlines(), mirror)
    root.mkdir()
    unpack = ["tar", "-x", "-f", str(tar), "-C", str(root), "--no-same-owner", "--exclude=./dev/*"]
    subprocess.run(unpack, check=True)
    tar.unlink()
    link_alternatives(root)
    tree = DebianTree(root.resolve(), row, emulator_for(row.arch))
    cached = tree.run("/sbin/ldconfig")
    assert cached.returncode == 0, cached.stderr
    return tree


def link_alternatives(root: Path) -> None:
    """Make the link that a script of the package of PSM makes, of which libfabric has need."""
    for library in root.glob("usr/lib/libpsm1/libpsm_infinipath.so.1.*"):
        (folder,) = root.glob("usr/lib/*-linux-gnu")
        (folder / "libpsm_infinipath.so.1").symlink_to(f"/{library.relative_to(root)}")


def remove_tree(tree: DebianTree) -> None:
    """Remove it; it takes more room than a session should keep."""
    shutil.rmtree(tree.root, ignore_errors=True)
