"""The few Linux calls that Python 3.11 does not wrap; decides nothing."""

import ctypes
import os
import platform
import struct
import sys
import termios
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_NOATIME = 0x400
MS_NODIRATIME = 0x800
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_RELATIME = 0x200000

_MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
# Instructions of a filter and its answers (linux/bpf_common.h, linux/seccomp.h).
_LOAD, _JUMP_IF_EQUAL, _ANSWER = 0x20, 0x15, 0x06
_ALLOW, _NOT_PERMITTED = 0x7FFF0000, 0x00050001
_NUMBER_AT, _SECOND_ARGUMENT_AT = 0, 24 if sys.byteorder == "little" else 28
_TIOCLINUX = 0x541C
# Of ioctl(2), those of x32 and of 32-bit programs too.
_SYS_IOCTL = {
    "x86_64": (16, 54, 0x40000010, 0x40000202),
    "aarch64": (29, 54),
    "riscv64": (29,),
    "ppc64le": (54,),
    "s390x": (54,),
}
# Numbers of the system call that glibc does not wrap (linux, arch/*/include/**/unistd*.h).
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object, about: str = "") -> None:
    """Call a libc function that answers 0, or raise the OSError it left."""
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), about or name)


def unshare(flags: int, *, about: str = "") -> None:
    """Give this process new namespaces."""
    _call("unshare", ctypes.c_int(flags), about=about)


def set_namespace(descriptor: int, flags: int) -> None:
    """Enter a namespace by its file, or several of a process by its pidfd (Linux 5.8)."""
    _call("setns", ctypes.c_int(descriptor), ctypes.c_int(flags))


def mount(
    source: Path | str, target: Path | str, *, kind: str = "", flags: int = 0, options: str = ""
) -> None:
    """Mount a file system, or change a mount."""
    _call(
        "mount",
        os.fsencode(source),
        os.fsencode(target),
        kind.encode(),
        ctypes.c_ulong(flags),
        options.encode(),
        about=f"mount {kind or source} on {target}",
    )


def bind(source: Path | str, target: Path | str, *, is_recursive: bool = False) -> None:
    """Show a file or folder at a second place."""
    mount(source, target, flags=MS_BIND | (MS_REC if is_recursive else 0))


def bind_without(
    forbidden: int, source: Path | str, target: Path | str, *, is_recursive: bool = False
) -> None:
    """Show a folder at a second place and forbid things there, MS_NOSUID for example."""
    bind(source, target, is_recursive=is_recursive)
    _restrict(target, forbidden)


def bind_read_only(source: Path | str, target: Path | str) -> None:
    """Show a folder at a second place where no file is written, gives rights or is a device."""
    bind(source, target)
    _restrict(target, MS_NOSUID | MS_NODEV | MS_RDONLY)


def _restrict(target: Path | str, flags: int) -> None:
    """Forbid things in a mount.

    The flags that the source already carries are repeated: in a user namespace a mount that came
    from outside must keep them, and dropping one is refused (mount_namespaces(7)).
    """
    here = os.statvfs(target).f_flag
    kept = 0
    for seen, flag in (
        (os.ST_RDONLY, MS_RDONLY),
        (os.ST_NOSUID, MS_NOSUID),
        (os.ST_NODEV, MS_NODEV),
        (os.ST_NOEXEC, MS_NOEXEC),
        (os.ST_NOATIME, MS_NOATIME),
        (os.ST_NODIRATIME, MS_NODIRATIME),
        (os.ST_RELATIME, MS_RELATIME),
    ):
        kept |= flag if here & seen else 0
    mount("none", target, flags=MS_REMOUNT | MS_BIND | flags | kept)


def pivot_root(new_root: Path) -> None:
    """Make a mounted folder the root of this mount namespace and let go of the old root."""
    number = _SYS_PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise OSError(38, f"pivot_root has no known number on {platform.machine()}")
    os.chdir(new_root)
    # Both arguments "." stacks the old root on the new one, so no empty folder is needed for it
    # (pivot_root(2), "pivot_root(".", ".")").
    _call("syscall", ctypes.c_long(number), b".", b".", about=f"pivot_root to {new_root}")
    _call("umount2", b".", ctypes.c_int(_MNT_DETACH), about="let go of the old root")
    os.chdir("/")


def die_with_parent(signal_number: int) -> None:
    """Let the kernel signal this process when its parent ends; a change of user id clears it."""
    _call("prctl", _PR_SET_PDEATHSIG, ctypes.c_ulong(signal_number), 0, 0, 0)


def forbid_typing() -> None:
    """Keep this process and its children from putting words into the mouth of a terminal's user.

    Linux before 6.2, and later ones where `dev.tty.legacy_tiocsti` is 1, let a program type into
    its terminal, and so into the shell of whoever started it (TIOCSTI, ioctl_tty(2)). Takes
    CAP_SYS_ADMIN in the user namespace.
    """
    numbers = _SYS_IOCTL.get(platform.machine(), ())
    asked = (termios.TIOCSTI, _TIOCLINUX)
    # Jumps count the instructions that are passed over.
    steps = [(_LOAD, 0, 0, _NUMBER_AT)]
    steps += [(_JUMP_IF_EQUAL, len(numbers) - i, 0, n) for i, n in enumerate(numbers)]
    steps += [(_ANSWER, 0, 0, _ALLOW), (_LOAD, 0, 0, _SECOND_ARGUMENT_AT)]
    steps += [(_JUMP_IF_EQUAL, len(asked) - i, 0, n) for i, n in enumerate(asked)]
    steps += [(_ANSWER, 0, 0, _ALLOW), (_ANSWER, 0, 0, _NOT_PERMITTED)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    _call("prctl", _PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), program, 0, 0)
