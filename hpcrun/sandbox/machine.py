"""Can this machine hold a sandbox: looked at, and tried, before anything is made; changes nothing."""

import errno
import os
import shutil
import socket
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from hpcrun.errors import HpcrunError, NotPermittedError, UnavailableError, WriteError
from hpcrun.sandbox import linux, namespace
from hpcrun.sandbox.namespace import IdMaps

BOX_FLAGS = (
    linux.CLONE_NEWNS
    | linux.CLONE_NEWNET
    | linux.CLONE_NEWPID
    | linux.CLONE_NEWUTS
    | linux.CLONE_NEWIPC
)
_SYSCTLS = (
    ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)
_MIB = 2**20
_NEEDED_MIB = {"root": 1500, "cached": 300}


def check_tools(*, is_root_cached: bool, is_privileged: bool) -> None:
    """Find the programs that are needed, all the missing ones at once."""
    needed = {} if is_root_cached else {"mmdebstrap": "mmdebstrap"}
    if not is_privileged:
        needed |= {"newuidmap": "uidmap", "newgidmap": "uidmap"}
    missing = {tool: package for tool, package in needed.items() if shutil.which(tool) is None}
    if missing:
        packages = " ".join(dict.fromkeys(missing.values()))
        raise UnavailableError(
            f"a sandbox needs {' and '.join(f'`{tool}`' for tool in missing)}, not found on PATH",
            help=[f"sudo apt-get install --no-install-recommends {packages}"],
        )


def check_disk(folder: Path, *, is_root_cached: bool) -> None:
    """Is there room, and may files be run there."""
    place = nearest_existing(folder)
    needed_mib = _NEEDED_MIB["cached" if is_root_cached else "root"]
    free_mib = shutil.disk_usage(place).free // _MIB
    help_line = "set HPCRUN_SANDBOX_DIR to a folder on another disk"
    if free_mib < needed_mib:
        raise WriteError(
            f"the disk of `{folder}` has {free_mib} MiB left, and a sandbox needs {needed_mib} MiB",
            help=["make room (hpcrun sandbox purge --all removes all sandboxes)", help_line],
        )
    if os.statvfs(place).f_flag & os.ST_NOEXEC:
        raise WriteError(
            f"`{folder}` is on a file system mounted noexec; nodes cannot start programs from it",
            help=[help_line],
        )
    if not os.access(place, os.W_OK | os.X_OK):
        raise WriteError(f"cannot write to `{place}`", help=["set HPCRUN_SANDBOX_DIR"])


def nearest_existing(folder: Path) -> Path:
    """Return the folder, or the first of its parents that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def check_namespaces(maps: IdMaps) -> None:
    """Try everything that the kernel must allow, in namespaces that end at once."""
    reading, writing = os.pipe()

    def body() -> NoReturn:
        for what, attempt in _attempts():
            try:
                attempt()
            except OSError as error:
                os.write(writing, f"{error.errno} {what}".encode())
                os._exit(1)
        os._exit(0)

    try:
        code = namespace.run(maps, BOX_FLAGS, body)
    except OSError as error:
        raise explain_refusal(error, read_sysctls()) from error
    finally:
        os.close(writing)
        with os.fdopen(reading) as stream:
            failure = stream.read()
    if code != 0:
        number, _, what = failure.partition(" ")
        raise explain_missing_feature(int(number or 0), what, read_sysctls())


def _attempts() -> tuple[tuple[str, Callable[[], None]], ...]:
    """Each feature, and how to try it inside throw-away namespaces."""
    return (
        (
            "private mounts",
            lambda: linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE),
        ),
        ("tmpfs in a user namespace", lambda: linux.mount("tmpfs", "/tmp", kind="tmpfs")),  # noqa: S108
        ("proc in a user namespace", lambda: linux.mount("proc", "/proc", kind="proc")),
        ("devpts in a user namespace", lambda: _mount_new("devpts", "newinstance,ptmxmode=0666")),
        ("mqueue in a user namespace", lambda: _mount_new("mqueue", "")),
        ("a network bridge in a user namespace", lambda: _make_link("bridge")),
        ("a veth pair in a user namespace", lambda: _make_link("veth")),
    )


def _mount_new(kind: str, options: str) -> None:
    place = Path("/tmp", kind)  # noqa: S108 - the tmpfs just mounted, which nobody else sees
    place.mkdir()
    linux.mount(kind, place, kind=kind, options=options)


def _make_link(kind: str) -> None:
    """Ask for a network link of a kind (rtnetlink(7)), because `ip` may not be installed here."""
    name = kind.encode()
    info = _attribute(18, _attribute(1, name))  # IFLA_LINKINFO { IFLA_INFO_KIND }
    body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, 0, 0) + info
    newlink, request_create_ack = 16, 0x1 | 0x4 | 0x400
    header = struct.pack("=IHHII", 16 + len(body), newlink, request_create_ack, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
        link.send(header + body)
        answer = link.recv(4096)
    number = -struct.unpack_from("=i", answer, 16)[0]
    if number:
        raise OSError(number, os.strerror(number))


def _attribute(kind: int, payload: bytes) -> bytes:
    length = 4 + len(payload)
    return struct.pack("=HH", length, kind) + payload + b"\0" * (-length % 4)


def read_sysctls() -> tuple[str, ...]:
    """Settings of this kernel that forbid user namespaces, as what root would have to set."""
    found = []
    for name, forbidding, cure in _SYSCTLS:
        try:
            value = Path("/proc/sys", name).read_text().strip()
        except OSError:
            continue
        if value == forbidding:
            found.append(cure)
    return tuple(found)


def explain_refusal(error: OSError, cures: tuple[str, ...]) -> HpcrunError:
    """Say by what user namespaces are forbidden."""
    if isinstance(error, PermissionError) and "newuidmap" in str(error) + "newgidmap" in str(error):
        return _explain_map(error)
    return NotPermittedError("", help=cures)


def _explain_map(error: OSError) -> HpcrunError:
    return NotPermittedError(str(error))


def explain_missing_feature(number: int, what: str, cures: tuple[str, ...]) -> HpcrunError:
    """Say what the kernel, or what guards it, does not give."""
    return UnavailableError(f"{what}: {errno.errorcode.get(number)}", help=cures)


def has_usable_fuse(device: Path = Path("/dev/fuse")) -> bool:
    """Whether any user may open /dev/fuse, as on a normal Debian."""
    try:
        mode = device.stat().st_mode
        if not stat.S_ISCHR(mode) or (mode & 0o666) != 0o666:  # noqa: PLR2004
            return False
        os.close(os.open(device, os.O_RDWR))
    except OSError:
        return False
    return True
