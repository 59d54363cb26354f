"""Run `hpcrun sandbox up` and wait at one of its steps to be killed, or tell which steps it has.

    kill_up.py PIPE STEP NAME…   write to the pipe when the step is reached, and stop there
    kill_up.py PIPE "" NAME…     write down each step as it begins

A step is what Python itself tells of each change that it is about to make (PEP 578): to a file, a
folder, its owner, or by a new process. The same change to many files of one folder is one step.
"""

import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

CHANGES = {
    "open",
    "os.chmod",
    "os.chown",
    "os.fork",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.utime",
    "subprocess.Popen",
}
FOLDERS = {
    "os.chmod": 2,
    "os.chown": 3,
    "os.mkdir": 2,
    "os.remove": 1,
    "os.rename": 2,
    "os.rmdir": 1,
    "os.utime": 3,
}
"""Which argument of an event is the open folder that its path begins in (Python 3.11, PEP 578)."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
# One step each, however many files there are.
CROWDS = ("app", "cache", "inside")


def name_step(event: str, arguments: tuple[Any, ...], root: Path) -> str | None:
    """Give a step a name that is the same in every run; None if nothing changes in our folder."""
    if event == "os.fork":
        return "fork"
    if event == "open" and not arguments[2] & WRITES:
        return None
    place = arguments[0]
    if event == "subprocess.Popen":
        return f"run {Path(os.fsdecode(place)).name}"
    path = _whole_path(event, arguments)
    if path is None or not path.is_relative_to(root):
        return None
    first, *parts = path.relative_to(root).parts or (".",)
    if first == "cache" and parts:
        parts = ["cache", ""]
    if len(parts) > 1 and parts[0] in CROWDS:
        parts = [parts[0], "*"]
    return f"{event.removeprefix('os.')} {'/'.join(parts) or '.'}"


def _whole_path(event: str, arguments: tuple[Any, ...]) -> Path | None:
    """Give the path that an event is about; it may be open, or below a folder that is."""
    place = arguments[0]
    if isinstance(place, int):
        return _path_of(place)
    if not isinstance(place, str | os.PathLike):
        return None
    path = Path(os.fsdecode(os.fspath(place)))
    folder = arguments[FOLDERS[event]] if event in FOLDERS else -1
    above = _path_of(folder) if isinstance(folder, int) and folder >= 0 else None
    return above / path if above is not None else path


def _path_of(descriptor: int) -> Path | None:
    try:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        return None
    # A file without a name leaves nothing, whenever its process ends.
    return None if path.name.endswith(" (deleted)") else path


class Watch:
    """Python calls it before each change, in this process and those that it forks."""

    def __init__(self, pipe: int, wanted: str, root: Path) -> None:
        self.pipe, self.wanted, self.root = pipe, wanted, root
        self.first = os.getpid()
        self.seen: Counter[str] = Counter()
        os.set_inheritable(pipe, False)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        name = name_step(event, arguments, self.root) if event in CHANGES else None
        if name is None:
            return
        self.seen[name] += 1
        if name == "fork":
            self.begin(f"fork {self.seen[name]}")
        elif self.seen[name] == 1:
            self.begin(name)

    def begin(self, step: str) -> None:
        """Write the step down and, where it is the one, go no further."""
        if not self.wanted:
            os.write(self.pipe, f"{step}\n".encode())
        elif step == self.wanted:
            os.write(self.pipe, b"reached\n")
            # A child whose parent was killed would go on, unless it is killed too.
            while os.getpid() == self.first or is_alive(self.first):
                time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process is there, and more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


if __name__ == "__main__":
    from hpcrun.cli.main import main
    from hpcrun.sandbox.places import state_root

    pipe, wanted, *names = sys.argv[1:]
    sys.addaudithook(Watch(int(pipe), wanted, state_root().resolve()))
    sys.argv[1:] = ["sandbox", "up", *names]
    sys.exit(main(sys.argv[1:]))
