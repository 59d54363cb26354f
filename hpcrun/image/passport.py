"""An image's passport: opens the image, asks every reader, gathers what could not be read.

Does not judge anything and never runs the image.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from hpcrun.errors import NotPermittedError
from hpcrun.image.environment import Environment, read_environment
from hpcrun.image.errors import ForbiddenError, ImageError, UnsupportedError
from hpcrun.image.extent import Extent, open_extent
from hpcrun.image.folder import FolderNode
from hpcrun.image.libc import read_libc
from hpcrun.image.linking import Linker
from hpcrun.image.mpi import find_mpi_libraries
from hpcrun.image.problems import Problems
from hpcrun.image.program import MountedProgram, read_mounted, read_program
from hpcrun.image.sif import FileSystem, Partition, Sif, read_sif
from hpcrun.image.squashfs import Squashfs
from hpcrun.image.survey import Survey, survey
from hpcrun.image.tree import ROOT, Found, Node
from hpcrun.image.users import find_mpi_users
from hpcrun.model.base import UNKNOWN, Unknown, is_known, known
from hpcrun.model.image import ImageFacts, LibC, Program
from hpcrun.tables import architectures

_CHUNK = 1 << 20
_UNREADABLE = {
    FileSystem.EXT3: "an ext3 file system",
    FileSystem.ARCHIVE: "an archive",
    FileSystem.RAW: "raw data",
    FileSystem.ENCRYPTED_SQUASHFS: "an encrypted file system",
    FileSystem.GOCRYPTFS: "an encrypted file system (gocryptfs)",
}


class _Outside(NamedTuple):
    """What an image is from the outside."""

    kind: str
    size_bytes: int
    mtime_ns: int
    digest: str
    declared_arch: str | Unknown


class _Sought(NamedTuple):
    """The job's command, and its program where that lies on the host."""

    command: Sequence[str] | None
    mounted: MountedProgram | None


def read_image(
    path: Path,
    *,
    command: Sequence[str] | None = None,
    mounted: MountedProgram | None = None,
    full_digest: bool = False,
) -> ImageFacts:
    """Read the passport of a SIF or an unpacked image.

    Args:
        command: the job's command; its program is looked up in the image.
        mounted: the command's program, where it is not in the image but on the host.
        full_digest: hash the whole file (0.6 s per 300 MB) and not just header and descriptors.
    """
    try:
        is_folder = path.is_dir()
    except PermissionError as exc:
        raise NotPermittedError(f"cannot read `{path}`: permission denied") from exc
    if is_folder:
        return _read_folder(path, _Sought(command, mounted))
    with open_extent(path) as file:
        return _read_sif(path, file, _Sought(command, mounted), full_digest=full_digest)


def _read_folder(path: Path, sought: _Sought) -> ImageFacts:
    status = path.stat()
    identity = f"{path.absolute()}\0{status.st_dev}\0{status.st_ino}\0{status.st_mtime_ns}"
    outside = _Outside(
        kind="folder",
        size_bytes=0,
        mtime_ns=status.st_mtime_ns,
        digest="folder:" + hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest(),
        declared_arch=UNKNOWN,
    )
    root = FolderNode(path.resolve())
    try:
        root.entries()
    except ForbiddenError as exc:
        raise NotPermittedError(f"cannot read `{path}`: permission denied") from exc
    return _read_tree(path, outside, root, sought)


def _read_sif(path: Path, file: Extent, sought: _Sought, *, full_digest: bool) -> ImageFacts:
    sif = read_sif(file)
    partition = sif.primary
    outside = _Outside(
        kind="sif",
        size_bytes=file.size,
        mtime_ns=file.mtime_ns,
        digest=_whole_digest(file) if full_digest else sif.digest,
        declared_arch=_declared_arch(sif),
    )
    if partition is None:
        return _unread(path, outside, "the image has no primary system partition", sought.command)
    if partition.file_system != FileSystem.SQUASHFS:
        names = {int(fs): name for fs, name in _UNREADABLE.items()}
        held = names.get(partition.file_system, f"file system type {partition.file_system}")
        reason = f"the primary partition holds {held}, which cannot be read without mounting it"
        return _unread(path, outside, reason, sought.command)
    try:
        root = Squashfs(file.part(partition.offset, partition.size)).root
    except UnsupportedError as exc:
        return _unread(path, outside, "; ".join((exc.message, *exc.help)), sought.command)
    return _read_tree(path, outside, root, sought)


def _declared_arch(sif: Sif) -> str | Unknown:
    """Name the architecture of the primary partition, else of the header."""
    parts: Sequence[Partition] = (sif.primary,) if sif.primary else ()
    codes = (*(part.arch_code for part in parts), sif.arch_code)
    rows = (architectures().by_sif_code(code) for code in codes)
    return next((row.uname for row in rows if row is not None), UNKNOWN)


def _whole_digest(file: Extent) -> str:
    digest = hashlib.sha256()
    for offset in range(0, file.size, _CHUNK):
        digest.update(file.read_at(offset, _CHUNK))
    return "sha256:" + digest.hexdigest()


def _unread(
    path: Path, outside: _Outside, reason: str, command: Sequence[str] | None
) -> ImageFacts:
    return ImageFacts.model_validate(
        {
            "path": path.absolute(),
            **outside._asdict(),
            "program": Program(argv0=command[0], path=None) if command else None,
            "is_complete": False,
            "unread": (reason,),
        }
    )


def _read_tree(path: Path, outside: _Outside, root: Node, sought: _Sought) -> ImageFacts:
    problems = Problems()
    found = survey([Found(ROOT, root)], problems)
    archs = found.count_archs()
    arch = max(archs, key=lambda name: (archs[name], name), default=outside.declared_arch)
    unknown = Environment(UNKNOWN, UNKNOWN)
    environment = _told(problems, "environment", lambda: read_environment(root), unknown)
    library_path = known(environment.library_path) or ""
    linker = Linker(root, library_path=library_path.split(":") if library_path else ())
    program = _find_program(sought, root, environment, found)
    libc = _told(problems, "C library", lambda: read_libc(found.elf_files, arch), LibC())
    no_names: tuple[str, ...] = ()
    names = partial(linker.default_names, arch)
    sonames = _told(problems, "library folders", names, no_names)
    return ImageFacts.model_validate(
        {
            "path": path.absolute(),
            **outside._asdict(),
            "program_archs": archs,
            "libc": libc,
            "mpi": find_mpi_libraries(found, linker),
            "mpi_users": find_mpi_users(
                found, linker if _is_searchable(environment, libc) else None
            ),
            "sonames": sonames,
            "program": program,
            "is_complete": problems.are_harmless,
            "unread": problems.lines,
        }
    )


def _find_program(
    sought: _Sought, root: Node, environment: Environment, found: Survey
) -> Program | None:
    """Look the job's program up; one that a mount brings joins the files that may need MPI."""
    if not sought.command:
        return None
    argv0 = sought.command[0]
    lost = Program(argv0=argv0, path=None)
    if sought.mounted is None:
        reading = partial(read_program, root, sought.command, environment)
        return _told(found.problems, argv0, reading, lost)
    elf = _told(found.problems, argv0, partial(read_mounted, sought.mounted), None)
    if elf is None:
        return lost.model_copy(update={"kind": "missing"})
    found.elf_files.append(elf)
    return Program(
        argv0=argv0,
        path=str(elf.path),
        arch=elf.arch,
        kind="elf",
        host_path=sought.mounted.file,
    )


def _is_searchable(environment: Environment, libc: LibC) -> bool:
    """Whether the loader's search path is known: of glibc, with nothing added by the image."""
    return libc.kind == "glibc" and is_known(environment.library_path)


T = TypeVar("T")


def _told(problems: Problems, what: str, read: Callable[[], T], otherwise: T) -> T:
    """Turn a damaged part into a line of `unread`, so that the rest is still told."""
    try:
        return read()
    except ImageError as exc:
        problems.add(f"{what}: {exc.message}")
        return otherwise
