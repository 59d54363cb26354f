"""Which file a command names inside an image, or beside it; does not run it."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from hpcrun.image.elf import IDENT_SIZE, read_elf, read_ident
from hpcrun.image.environment import Environment
from hpcrun.image.folder import FolderNode
from hpcrun.image.survey import ElfFile, arch_name
from hpcrun.image.tree import Found, Node, resolve_file
from hpcrun.model.base import UNKNOWN, is_known
from hpcrun.model.image import Program

_SHEBANG_MAX = 256
_NESTING_MAX = 4
"""As Linux: a script may name a script as its interpreter only so often."""


class MountedProgram(NamedTuple):
    """A file of the host that a mount brings into the container as the job's program."""

    file: Path
    container_path: PurePosixPath


def read_mounted(mounted: MountedProgram) -> ElfFile | None:
    """Read a program that is not in the image; None where it is no ELF file but a script."""
    node = FolderNode(mounted.file.resolve())
    elf = read_elf(node)
    return ElfFile(mounted.container_path, node, elf) if elf is not None else None


def read_program(root: Node, command: Sequence[str], environment: Environment) -> Program:
    """Resolve a command's program by the image's own PATH, through shebangs."""
    argv0 = command[0]
    if "/" not in argv0 and not is_known(environment.path):
        return Program(argv0=argv0, path=None, kind="unknown")
    found = _look_up(root, argv0, environment)
    if found is None:
        return Program(argv0=argv0, path=None, kind="missing")
    head = found.node.read_at(0, _SHEBANG_MAX)
    ident = read_ident(head[:IDENT_SIZE])
    if ident is not None:
        return Program(argv0=argv0, path=str(found.path), arch=arch_name(ident), kind="elf")
    interpreter = _interpreter(root, head, environment, depth=0)
    if interpreter is None:
        kind = "script" if head.startswith(b"#!") else "unknown"
        return Program.model_validate({"argv0": argv0, "path": str(found.path), "kind": kind})
    ident = read_ident(interpreter.node.read_at(0, IDENT_SIZE))
    return Program(
        argv0=argv0,
        path=str(found.path),
        arch=arch_name(ident) if ident else UNKNOWN,
        kind="script",
        interpreter=str(interpreter.path),
    )


def _look_up(root: Node, name: str, environment: Environment) -> Found | None:
    if "/" in name:
        # A relative path starts at the working folder, which is the host's.
        return resolve_file(root, name) if name.startswith("/") else None
    if not is_known(environment.path):
        return None
    for folder in environment.path.split(":"):
        found = resolve_file(root, f"{folder}/{name}") if folder.startswith("/") else None
        if found is not None and found.node.is_executable:
            return found
    return None


def _interpreter(root: Node, head: bytes, environment: Environment, *, depth: int) -> Found | None:
    """Return the program that a script's first line names; through `env` the one that env finds."""
    if not head.startswith(b"#!") or depth > _NESTING_MAX:
        return None
    words = head[2:].split(b"\n")[0].decode("utf-8", "replace").split()
    if words and words[0].rsplit("/", 1)[-1] == "env":
        words = [word for word in words[1:] if word != "-S" and "=" not in word]
    if not words:
        return None
    found = _look_up(root, words[0], environment)
    if found is None:
        return None
    deeper = _interpreter(root, found.node.read_at(0, _SHEBANG_MAX), environment, depth=depth + 1)
    return deeper or found
