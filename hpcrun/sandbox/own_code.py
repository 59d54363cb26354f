"""hpcrun's own code for the login node: the distribution that runs here, wherever it lies."""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PurePosixPath

from hpcrun import __version__, resources
from hpcrun.sandbox.namespace import IdMaps

_NAME = "hpcrun"
# Read by 3.13 of the nodes as well as here, and worth it: images are often compressed so.
_DATA_FOLDERS = ("templates", "site_profiles")


def write_own_code(target: Path, maps: IdMaps) -> None:
    """Lay hpcrun out as an installation in `target`, unless it is there unchanged.

    Root inside owns the folders for what is compiled, and nothing else: what is written from here
    must not go where links of its making lead.
    """
    sources = _sources()
    key = _digest(sources)
    mark = target / ".digest"
    if mark.is_file() and mark.read_text() == key and _is_whole(target, sources):
        return
    mark.unlink(missing_ok=True)
    info = f"{_NAME}-{__version__}.dist-info/METADATA"
    texts = {inner: source.read_bytes() for inner, source in sources.items()}
    texts[info] = f"Metadata-Version: 2.1\nName: {_NAME}\nVersion: {__version__}\n".encode()
    target.mkdir(parents=True, exist_ok=True)
    with _opened(target) as top:
        for place, text in texts.items():
            with _below(top, PurePosixPath(place).parts[:-1]) as folder:
                _write(folder, PurePosixPath(place).name, text)
        _remove_others(top, PurePosixPath(), {PurePosixPath(place) for place in texts})
        compiled = {PurePosixPath(place).parent for place in texts if place.endswith(".py")}
        for folder_path in compiled:
            with _below(top, (*folder_path.parts, "__pycache__")):
                pass
    for folder_path in compiled:
        maps.give_tree(target / folder_path / "__pycache__")
    _write_new(mark, key.encode())


def _is_whole(target: Path, sources: dict[str, Path]) -> bool:
    """Whether each file has its length, which a loss of power may have taken."""
    try:
        return all(
            (target / inner).stat().st_size == source.stat().st_size
            for inner, source in sources.items()
        )
    except OSError:
        return False


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def _opened(name: Path | str, folder: int | None = None) -> Iterator[int]:
    """Hold a folder open, so that nobody can put a link in its place meanwhile."""
    descriptor = os.open(name, _FOLDER, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _below(top: int, names: Sequence[str]) -> Iterator[int]:
    """Hold a folder below another open; a link in its place, which somebody inside made, goes."""
    with ExitStack() as stack:
        here = top
        for name in names:
            with suppress(FileNotFoundError):
                if stat.S_ISLNK(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode):
                    os.unlink(name, dir_fd=here)
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=here)
            here = stack.enter_context(_opened(name, here))
        yield here


def _write(folder: int, name: str, text: bytes) -> None:
    """Write a file that Python will compile anew, even where it changed within one second."""
    before = _changed_at(folder, name, text)
    if before is None:
        return
    new = f".{name}.new"
    with suppress(FileNotFoundError):
        os.unlink(new, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(new, flags, 0o644, dir_fd=folder), "wb") as file:  # noqa: PTH123
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        # A compiled file is known by its source's size and whole seconds only (PEP 3147).
        if os.fstat(file.fileno()).st_mtime < before + 1:
            os.utime(file.fileno(), (before + 1, before + 1))
    os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)


def _changed_at(folder: int, name: str, text: bytes) -> float | None:
    """Return when another file of this name was written; 0 without one, None if it is this one."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError:
        return 0
    with open(descriptor, "rb") as file:  # noqa: PTH123
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return 0
        return None if file.read(len(text) + 1) == text else status.st_mtime


def _write_new(place: Path, text: bytes) -> None:
    """Write a file that is not there; no link that appears meanwhile is followed."""
    with place.open("xb") as file:
        file.write(text)


def _remove_others(folder: int, path: PurePosixPath, wanted: set[PurePosixPath]) -> None:
    """Remove what the previous hpcrun had and this one has not, but for what is compiled.

    That is root's inside, who could put a link in the place of a folder while it is looked through.
    """
    for name in os.listdir(folder):
        is_folder = stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        if not is_folder and path / name not in wanted:
            os.unlink(name, dir_fd=folder)
        if is_folder and name != "__pycache__":
            with _opened(name, folder) as below:
                _remove_others(below, path / name, wanted)
            with suppress(OSError):
                os.rmdir(name, dir_fd=folder)


def _sources() -> dict[str, Path]:
    """Return each file of hpcrun by its place in an installation."""
    package = resources.package_folder(".").resolve()
    sources = _files_below(package, _NAME)
    for name in _DATA_FOLDERS:
        data = getattr(resources, f"{name}_folder")()
        sources.update(_files_below(data, f"{_NAME}/_data/{name}"))
    return sources


def _files_below(folder: Path, prefix: str) -> dict[str, Path]:
    return {
        f"{prefix}/{file.relative_to(folder)}": file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }


def _digest(sources: dict[str, Path]) -> str:
    digest = hashlib.sha256(__version__.encode())
    for inner, source in sources.items():
        digest.update(f"{inner}\0{source.stat().st_size}\0".encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()
