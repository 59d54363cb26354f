"""What a sandbox could leave on this machine, looked at; starts and ends none."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hpcrun.sandbox.places import state_root

PROCESSES = Path("/proc")
# Machines of continuous integration are slow at times.
_PATIENCE_S = 30


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []


def look_at_machine(name: str) -> dict[str, object]:
    """Everything of this machine that a sandbox could leave a trace in, but for processes."""
    groups = Path("/sys/fs/cgroup").rglob(f"hpcrun-{name}-*")
    return {
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "links": names(Path("/sys/class/net")),
        "named networks": names(Path("/run/netns")),
        "handlers": names(Path("/proc/sys/fs/binfmt_misc")),
        "loop devices": sorted(str(file) for file in Path("/sys/block").glob("loop*/loop")),
        "control groups": sorted(map(str, groups)),
        "users": [*_lines(Path("/etc/passwd")), *_lines(Path("/etc/group"))],
    }


def _lines(file: Path) -> list[str]:
    """Return what a file says but for the people of test_ordinary_user.py, who come and go."""
    return [line for line in file.read_text().splitlines() if not line.startswith("hpcrun-")]


def processes_of(name: str, root: Path | None = None) -> set[str]:
    """Command lines of all processes of a sandbox: they name it, or see its folder mounted."""
    return {command for _, command in _find(name, root)}


def _find(name: str, root: Path | None = None) -> Iterator[tuple[Path, str]]:
    """Tell a sandbox from those of the same name that other folders have at the same time."""
    folder = (root or state_root()) / name
    start = next(parent for parent in folder.parents if parent.is_mount())
    mounted = {f" {folder}", f" /{folder.relative_to(start)}"}
    told = str(root) if root else os.environ.get("HPCRUN_SANDBOX_DIR")
    for process in PROCESSES.glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ")
            settings = (process / "environ").read_bytes().split(b"\0")
            mounts = (process / "mountinfo").read_text()
        except OSError:
            continue
        text = command.decode(errors="replace")
        names_it = f"--name {name} " in text and _root_of(settings) == told
        sees_it = any(f"{place}{end}" in mounts for place in mounted for end in "/ ")
        if text and (names_it or sees_it):
            yield process, text


def _root_of(settings: list[bytes]) -> str | None:
    """Return the folder of sandboxes that a process was told of."""
    key = b"HPCRUN_SANDBOX_DIR="
    return next((os.fsdecode(one[len(key) :]) for one in settings if one.startswith(key)), None)


def await_end_of(name: str, root: Path | None = None) -> set[str]:
    """Return the processes that are still there a while after a sandbox has ended."""
    ends = time.monotonic() + _PATIENCE_S
    left = processes_of(name, root)
    while left and time.monotonic() < ends:
        time.sleep(0.1)
        left = processes_of(name, root)
    return left


def namespaces_of(name: str) -> set[str]:
    """Return the namespaces that processes of a sandbox are in, and this process is not."""
    found = {kind for process, _ in _find(name) for kind in _links(process / "ns")}
    return found - _links(PROCESSES / "self/ns")


def await_end_of_namespaces(namespaces: set[str]) -> set[str]:
    """Return those that are still there a while after their processes have ended."""
    ends = time.monotonic() + _PATIENCE_S
    left = _still_held(namespaces)
    while left and time.monotonic() < ends:
        time.sleep(0.2)
        left = _still_held(left)
    return left


def _still_held(namespaces: set[str]) -> set[str]:
    """Return those that a process is in, or holds open, or that are mounted somewhere."""
    held: set[str] = set()
    for process in PROCESSES.glob("[0-9]*"):
        held |= _links(process / "ns") | _links(process / "fd")
    mounted = Path("/proc/self/mountinfo").read_text()
    return {kind for kind in namespaces if kind in held or kind in mounted}


def _links(folder: Path) -> set[str]:
    found = set()
    with suppress(OSError):  # The process has ended meanwhile, or closed the file.
        for link in list(folder.iterdir()):
            with suppress(OSError):
                found.add(str(link.readlink()))
    return found


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())


def list_files(folder: Path) -> list[str]:
    """Everything below a folder, with its kind, owner and size."""
    found = []
    for file in sorted(folder.rglob("*")):
        seen = file.lstat()
        size = 0 if file.is_dir() else seen.st_size
        found.append(f"{file.relative_to(folder)} {seen.st_mode:o} {seen.st_uid} {size}")
    return found
