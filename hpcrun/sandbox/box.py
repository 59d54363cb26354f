"""Start the box: process 1 of the namespaces in which a whole cluster lives; knows no Slurm."""

import os
import signal
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from hpcrun.errors import UnavailableError
from hpcrun.sandbox import linux, namespace, reach, registration
from hpcrun.sandbox.machine import BOX_FLAGS
from hpcrun.sandbox.namespace import Adopt, IdMaps

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_ALL_MAY = 0o666
_MOST_DESCRIPTORS = 65536
_FUSE = (10, 229)  # Documentation/admin-guide/devices.txt
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
_TINI = "/usr/bin/tini"
# What the box tells of itself.
_BUILT, _BUILT_WITHOUT_FUSE, _GONE = b"built", b"built without fuse", b"gone"


@dataclass(frozen=True)
class BoxParts:
    """What the box shows of the outside, each at a place of its own."""

    root: Path
    """The nodes' root file system, never written."""
    state: Path
    stacks: Path
    python: Path
    tools: Path
    share: Path
    emulator: Path | None = None
    handler: str | None = None
    """An entry for the machine's own list of handlers."""
    sshd: Path | None = None
    groups: Mapping[str, Path] = field(default_factory=dict)
    """Control groups of version 1, by what they control."""
    adopt: Adopt | None = None
    """What puts a process into the control group of version 2 that the box is to have."""

    @property
    def shared_by_all(self) -> tuple[Path, ...]:
        """What other sandboxes show too, so that none may change it."""
        extras = (part for part in (self.emulator, self.sshd) if part is not None)
        return (self.root, self.stacks, self.python, self.tools, *extras)


class StartedBox:
    """A box that is complete but still tied to this process: it ends with it, unless let go."""

    def __init__(self, maps: IdMaps, parts: BoxParts) -> None:
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()

        def body() -> None:
            os.close(self._orders)
            os.close(self._answers)
            try:
                has_fuse = _build(parts)
            except OSError as error:
                os.write(answers, f"{error.filename}: {error.strerror}".encode())
                os._exit(1)
            os.write(answers, _BUILT if has_fuse else _BUILT_WITHOUT_FUSE)
            _become_init(orders, answers)

        def prepare() -> None:
            reach.show((parts.state, parts.share), read_only=parts.shared_by_all)
            _make_fuse(parts.state / "dev")
            if parts.handler is not None:
                registration.register(parts.handler)

        try:
            flags = BOX_FLAGS | (linux.CLONE_NEWCGROUP if parts.adopt else 0)
            self._keeper, self.pid = namespace.start(
                maps, flags, body, prepare=prepare, adopt=parts.adopt
            )
        finally:
            os.close(orders)
            os.close(answers)
        try:
            self.has_fuse = self._expect(_BUILT, _BUILT_WITHOUT_FUSE) == _BUILT
        except BaseException:
            namespace.stop(self._keeper)
            raise

    def let_go(self) -> None:
        """Let the box live on without this process; its process id must be noted by now."""
        os.write(self._orders, b"go")
        self._expect(_GONE)
        namespace.stop(self._keeper)
        os.close(self._orders)
        os.close(self._answers)

    def _expect(self, *words: bytes) -> bytes:
        told = os.read(self._answers, 4096)
        if told not in words:
            reason = told.decode() or "its first process was killed"
            raise UnavailableError(f"cannot make the box of the sandbox: {reason}")
        return told


def _make_fuse(folder: Path) -> None:
    """Give root's sandbox a /dev/fuse that the job user may open, if this machine's is not so.

    Made while still outside the user namespace, inside which no device can be made. Nobody else
    ever sees it.
    """
    linux.mount("dev", folder, kind="tmpfs", options="mode=755")
    try:
        os.mknod(folder / "fuse", stat.S_IFCHR | 0o666, os.makedev(*_FUSE))
        (folder / "fuse").chmod(0o666)
    except PermissionError:
        return  # A container without this right; images are then unpacked instead of mounted.


def _build(parts: BoxParts) -> bool:
    """Make the root file system of the nodes, read-only, the root of the box, and tie in the rest.

    Nothing inside makes anybody root: no set-user-ID program.

    Answers whether every user inside may use FUSE.
    """
    root = parts.root
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.bind_read_only(root, root)
    linux.mount("run", root / "run", kind="tmpfs", options="mode=755")
    linux.mount("dev", root / "dev", kind="tmpfs", options="mode=755")
    for device in _DEVICES:
        _bind_file(Path("/dev", device), root / "dev" / device)
    fuse = _find_fuse(parts.state / "dev" / "fuse", Path("/dev/fuse"))
    if fuse is not None:
        _bind_file(fuse, root / "dev" / "fuse")
    for name in ("state", "stacks", "python", "tools", "share"):
        (root / "run/box" / name).mkdir(parents=True)
    # Recursive, as it may hold the mount of _make_fuse, which a user namespace may not hide.
    # The nodes' /tmp lies in it: Apptainer warns of builds where devices are forbidden too.
    place = root / "run/box/state"
    linux.bind_without(linux.MS_NOSUID, parts.state, place, is_recursive=True)
    linux.bind_read_only(parts.stacks, root / "run/box/stacks")
    linux.bind_read_only(parts.python, root / "run/box/python")
    linux.bind_read_only(parts.tools, root / "run/box/tools")
    forbidden = linux.MS_NOSUID | linux.MS_NODEV
    linux.bind_without(forbidden, parts.share, root / "run/box/share", is_recursive=True)
    linux.mount("proc", root / "proc", kind="proc")
    try:
        linux.mount("sysfs", root / "sys", kind="sysfs")
    except PermissionError:
        # Where a container covers parts of /sys only what is there may be shown again.
        linux.bind("/sys", root / "sys", is_recursive=True)
    _bind_extras(parts)
    linux.pivot_root(root)
    return fuse is not None


def _bind_extras(parts: BoxParts) -> None:
    """Tie in what only some sandboxes have."""
    box = parts.root / "run/box"
    for name, part in (("emulator", parts.emulator), ("sshd", parts.sshd)):
        if part is not None:
            (box / name).mkdir()
            linux.bind_read_only(part, box / name)
    if parts.handler is not None:
        (box / "handlers").mkdir()
        linux.bind(registration.LIST, box / "handlers")
    for name, group in parts.groups.items():
        (box / "cgroup" / name).mkdir(parents=True)
        linux.bind(group, box / "cgroup" / name)
    if parts.adopt is not None:
        # Shows the box's own group as the root, as the namespace was made in it.
        forbidden = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
        place = parts.root / "sys/fs/cgroup"
        linux.mount("cgroup2", place, kind="cgroup2", flags=forbidden)


def _find_fuse(*candidates: Path) -> Path | None:
    """Return the device that everybody may open, as on a normal Debian, if there is one."""
    for device in candidates:
        with suppress(OSError):
            os.close(os.open(device, os.O_RDWR))
            if device.stat().st_mode & _ALL_MAY == _ALL_MAY:
                return device
    return None


def _bind_file(source: Path, target: Path) -> None:
    target.touch()
    linux.bind(source, target)


def _become_init(orders: int, answers: int) -> NoReturn:
    """Wait until this may live on, cut every tie to the outside, and become a small init."""
    if os.read(orders, 16) != b"go":
        os._exit(1)
    linux.die_with_parent(0)
    os.setsid()
    os.umask(0o022)
    log = os.open("/run/box/state/logs/box.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    silence = os.open("/dev/null", os.O_RDONLY)
    os.dup2(silence, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.write(answers, _GONE)
    # Whatever the caller's shell had open must not stay open for the life of the sandbox.
    os.closerange(3, _MOST_DESCRIPTORS)
    argv = [_TINI, "--", "/bin/sh", "/run/box/state/inside/box.sh"]
    os.execve(_TINI, argv, _ENVIRONMENT)  # noqa: S606
