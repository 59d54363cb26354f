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
from hpcrun.image.program import read_program
from hpcrun.image.sif import FileSystem, Partition, Sif, read_sif
from hpcrun.image.squashfs import Squashfs
from hpcrun.image.survey import survey
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


def read_image(
    path: Path, *, command: Sequence[str] | None = None, full_digest: bool = False
) -> ImageFacts:
    """Read the passport of a SIF or an unpacked image.

    Args:
        command: the job's command; its program is looked up in the image.
        full_digest: hash the whole file (0.6 s per 300 MB) and not just header and descriptors.
    """
    try:
        is_folder = path.is_dir()
    except PermissionError as exc:
        raise NotPermittedError(f"cannot read `{path}`: permission denied") from exc
    if is_folder:
        return _read_folder(path, command)
    with open_extent(path) as file:
        return _read_sif(path, file, command, full_digest=full_digest)


def _read_folder(path: Path, command: Sequence[str] | None) -> ImageFacts:
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
    return _read_tree(path, outside, root, command)


def _read_sif(
    path: Path, file: Extent, command: Sequence[str] | None, *, full_digest: bool
) -> ImageFacts:
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
        return _unread(path, outside, "the image has no primary system partition", command)
    if partition.file_system != FileSystem.SQUASHFS:
        names = {int(fs): name for fs, name in _UNREADABLE.items()}
        held = names.get(partition.file_system, f"file system type {partition.file_system}")
        reason = f"the primary partition holds {held}, which cannot be read without mounting it"
        return _unread(path, outside, reason, command)
    try:
        root = Squashfs(file.part(partition.offset, partition.size)).root
    except UnsupportedError as exc:
        return _unread(path, outside, "; ".join((exc.message, *exc.help)), command)
    return _read_tree(path, outside, root, command)


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


def _read_tree(
    path: Path, outside: _Outside, root: Node, command: Sequence[str] | None
) -> ImageFacts:
    problems = Problems()
    found = survey([Found(ROOT, root)], problems)
    archs = found.count_archs()
    arch = max(archs, key=lambda name: (archs[name], name), default=outside.declared_arch)
    unknown = Environment(UNKNOWN, UNKNOWN)
    environment = _told(problems, "environment", lambda: read_environment(root), unknown)
    library_path = known(environment.library_path) or ""
    linker = Linker(root, library_path=library_path.split(":") if library_path else ())
    program = None
    if command:
        lost = Program(argv0=command[0], path=None)
        reading = partial(read_program, root, command, environment)
        program = _told(problems, command[0], reading, lost)
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
