"""hpcrun's own code for the login node: the distribution that runs here, wherever it lies."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from hpcrun import __version__, resources
from hpcrun.sandbox.namespace import IdMaps

_NAME = "hpcrun"
# Read by 3.13 of the nodes as well as here, and worth it: images are often compressed so.
_EXTRA = "image"
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
    info = target / f"{_NAME}-{__version__}.dist-info" / "METADATA"
    texts = {target / inner: source.read_bytes() for inner, source in sources.items()}
    texts[info] = f"Metadata-Version: 2.1\nName: {_NAME}\nVersion: {__version__}\n".encode()
    for place, text in texts.items():
        _make_folder(place.parent, target)
        _write(place, text)
    _remove_others(target, set(texts))
    for folder in {place.parent for place in texts if place.suffix == ".py"}:
        _make_folder(folder / "__pycache__", target)
        maps.give_tree(folder / "__pycache__")
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


def _write(place: Path, text: bytes) -> None:
    """Write a file that Python will compile anew, even where it changed within one second."""
    if place.is_symlink():
        place.unlink()
    before = place.stat().st_mtime if place.is_file() else 0
    if before and place.read_bytes() == text:
        return
    new = place.with_name(f".{place.name}.new")
    new.unlink(missing_ok=True)
    _write_new(new, text)
    new.chmod(0o644)
    # A compiled file is known by its source's size and whole seconds only (PEP 3147).
    if new.stat().st_mtime < before + 1:
        os.utime(new, (before + 1, before + 1))
    new.replace(place)


def _make_folder(folder: Path, target: Path) -> None:
    """Make a folder below `target`; a link in its place, which somebody inside made, goes."""
    for place in (*reversed(folder.parents), folder):
        if place.is_relative_to(target) and place != target and place.is_symlink():
            place.unlink()
    folder.mkdir(parents=True, exist_ok=True)


def _write_new(place: Path, text: bytes) -> None:
    """Write a file that is not there; no link that appears meanwhile is followed."""
    with place.open("xb") as file:
        file.write(text)


def _remove_others(target: Path, wanted: set[Path]) -> None:
    """Remove what the previous hpcrun had and this one has not, but for what is compiled.

    That is root's inside, who could put a link in the place of a folder while it is looked through.
    """
    seen = []
    for here, folders, files in os.walk(target):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in files:
            if Path(here, name) not in wanted:
                Path(here, name).unlink()
        seen += [Path(here, name) for name in folders]
    for folder in reversed(seen):
        with suppress(OSError):
            folder.rmdir()


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
