"""Can this machine hold a sandbox: looked at and tried before anything is made; changes nothing."""

import os
import shutil
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from hpcrun.errors import HpcrunError, NotPermittedError, UnavailableError, WriteError
from hpcrun.sandbox import linux, namespace
from hpcrun.sandbox.namespace import IdMaps, MapError

BOX_FLAGS = (
    linux.CLONE_NEWNS
    | linux.CLONE_NEWNET
    | linux.CLONE_NEWPID
    | linux.CLONE_NEWUTS
    | linux.CLONE_NEWIPC
)
# Settings that forbid user namespaces, with the value that forbids and the one that allows them.
_SYSCTLS = (
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("user.max_user_namespaces", "0", "15000"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
)
_MIB = 2**20
_CONTAINER_HELP = (
    "in a container its runtime must allow it (Docker: --security-opt seccomp=unconfined "
    "--security-opt apparmor=unconfined --security-opt systempaths=unconfined)"
)
_NEEDED_MIB = {"root": 1500, "cached": 300}


def check_tools(*, is_root_cached: bool, is_privileged: bool, has_ssh: bool = False) -> None:
    """Find the programs that are needed, all the missing ones at once."""
    needed = {} if is_root_cached else {"mmdebstrap": "mmdebstrap"}
    if not is_privileged:
        needed |= {"newuidmap": "uidmap", "newgidmap": "uidmap"}
    if has_ssh:
        needed |= {"ssh-keygen": "openssh-client"}
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


def check_namespaces(maps: IdMaps, folder: Path) -> None:
    """Try everything that the kernel must allow, in namespaces that end at once."""
    place = nearest_existing(folder)
    if maps.is_privileged:
        _check_giving(place, maps.uids[0].outside)
    reading, writing = os.pipe()

    def body() -> None:
        for what, attempt in _attempts(place):
            try:
                attempt()
            except OSError as error:
                os.write(writing, f"{error.strerror}\t{what}".encode())
                os._exit(1)

    try:
        code = namespace.run(maps, BOX_FLAGS, body)
    except OSError as error:
        raise explain_refusal(error, read_forbidding_sysctls()) from error
    finally:
        os.close(writing)
        with os.fdopen(reading) as stream:
            failure = stream.read()
    if code != 0:
        reason, _, what = failure.partition("\t")
        raise explain_missing(what, reason, read_forbidding_sysctls())


def _check_giving(place: Path, owner: int) -> None:
    """Try outside what root inside cannot, who owns nothing there."""
    try:
        _give_file_away(place, owner)
    except OSError as error:
        raise explain_missing(_giving(place), error.strerror or str(error), ()) from error


def _giving(place: Path) -> str:
    return f"give a file in `{place}` to a subordinate id"


def _attempts(place: Path) -> tuple[tuple[str, Callable[[], None]], ...]:
    """Each thing that a sandbox does, and how to try it inside throw-away namespaces."""
    return (
        ("mount", lambda: linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)),
        (_giving(place), lambda: _give_file_away(place, 1)),
        ("mount a tmpfs", lambda: linux.mount("tmpfs", "/tmp", kind="tmpfs")),  # noqa: S108
        ("mount /proc", lambda: linux.mount("proc", "/proc", kind="proc")),
        ("mount a devpts", lambda: _mount_new("devpts", "newinstance,ptmxmode=0666")),
        ("mount an mqueue", lambda: _mount_new("mqueue", "")),
        ("make a network bridge", lambda: _make_link("bridge")),
        ("make a veth pair", lambda: _make_link("veth")),
    )


def _give_file_away(place: Path, owner: int) -> None:
    """Network file systems refuse this to the root of a user namespace; the file has no name."""
    try:
        descriptor = os.open(place, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except OSError:
        return  # The file system has no nameless files, so this cannot be tried without a trace.
    try:
        os.fchown(descriptor, owner, owner)
    finally:
        os.close(descriptor)


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


def read_forbidding_sysctls() -> tuple[tuple[str, str, str], ...]:
    """Find the settings that forbid user namespaces: name, value, allowing value."""
    found = []
    for name, forbidding, allowing in _SYSCTLS:
        try:
            value = Path("/proc/sys", *name.split(".")).read_text().strip()
        except OSError:
            continue
        if value == forbidding:
            found.append((name, value, allowing))
    return tuple(found)


def explain_refusal(error: OSError, sysctls: tuple[tuple[str, str, str], ...]) -> HpcrunError:
    """Say by what user namespaces, or their maps, are refused."""
    if isinstance(error, MapError):
        return NotPermittedError(
            f"this machine refuses to map your subordinate ids: {error}",
            help=[
                "newuidmap and newgidmap need the right to change ids: "
                "sudo apt-get install --reinstall uidmap",
                "the ranges of /etc/subuid and /etc/subgid must be yours alone",
            ],
        )
    if sysctls:
        return _forbidden_by(sysctls)
    return NotPermittedError(
        f"this machine does not allow user namespaces ({error.filename}: {error.strerror})",
        help=[_CONTAINER_HELP, "the kernel needs CONFIG_USER_NS"],
    )


def explain_missing(
    what: str, reason: str, sysctls: tuple[tuple[str, str, str], ...]
) -> HpcrunError:
    """Say what the kernel, or what guards it, does not give."""
    if sysctls:
        return _forbidden_by(sysctls)
    message = (
        f"a sandbox must {what or 'start processes'}, in a user namespace, and cannot: {reason}"
    )
    if what == "mount /proc":
        return NotPermittedError(
            message, help=["parts of /proc are covered, as containers do", _CONTAINER_HELP]
        )
    if what.startswith("give a file"):
        return WriteError(
            message,
            help=["network file systems refuse it: set HPCRUN_SANDBOX_DIR to a local folder"],
        )
    if what.startswith("make"):
        module = "bridge" if "bridge" in what else "veth"
        return UnavailableError(message, help=[f"the kernel lacks it: sudo modprobe {module}"])
    return UnavailableError(message, help=[_CONTAINER_HELP])


def _forbidden_by(sysctls: tuple[tuple[str, str, str], ...]) -> HpcrunError:
    names = " and ".join(f"`{name} = {value}`" for name, value, _ in sysctls)
    return NotPermittedError(
        f"user namespaces are forbidden on this machine by {names}",
        help=[
            "root can allow them: "
            + " && ".join(f"sudo sysctl -w {name}={allowing}" for name, _, allowing in sysctls)
        ],
    )
