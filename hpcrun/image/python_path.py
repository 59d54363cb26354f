"""Where a Python interpreter of a tree would look for modules; does not import any.

Follows CPython's getpath and site.py as far as files tell: pyvenv.cfg, the folder of the standard
library, site-packages, Debian's dist-packages, and .pth files whose lines are plain paths. Lines
of .pth files that are code are not run.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from hpcrun.image.tree import Kind, Node, read_text, resolve, resolve_file

_VERSIONED = re.compile(r"(?:python|pypy)([0-9]+\.[0-9]+)[a-z]?")
_LIBRARY = re.compile(r"python([0-9]+\.[0-9]+)t?")
_TEXT_MAX = 64 << 10
_PTH_FILES_MAX = 100
_FOLDERS_MAX = 64
_CLIMB_MAX = 16


class PythonHome(NamedTuple):
    """A Python installation, or a virtual environment on top of one."""

    version: str
    """As major.minor."""
    standard: tuple[str, ...]
    """Folders of the standard library."""
    site: tuple[str, ...]
    """Folders of further packages, in order."""


def find_python(root: Node, called_as: PurePosixPath, real: PurePosixPath) -> PythonHome | None:
    """Work out the folders of an interpreter; None where its library is not found.

    Args:
        called_as: the path by which it is started; a virtual environment's is a link.
        real: its real path.
    """
    base = _base(root, real)
    if base is None:
        return None
    prefix, version = base
    standard = [
        f"{prefix}/{lib}/python{version}{rest}"
        for lib in ("lib", "lib64")
        for rest in ("", "/lib-dynload")
    ]
    own = _packages(root, prefix, version)
    environment = _virtual(root, called_as)
    if environment is not None:
        venv, has_system = environment
        inside = [f"{venv}/{lib}/python{version}/site-packages" for lib in ("lib", "lib64")]
        own = [*inside, *(own if has_system else [])]
    site = [folder for folder in own if _is_folder(root, folder)]
    every = list(dict.fromkeys(found for folder in site for found in (folder, *_pth(root, folder))))
    return PythonHome(version, tuple(standard), tuple(every[:_FOLDERS_MAX]))


def _base(root: Node, real: PurePosixPath) -> tuple[str, str] | None:
    """Find prefix and version: the nearest folder above with lib/pythonX.Y/os.py."""
    named = _VERSIONED.fullmatch(real.name)
    for folder in list(real.parents)[1:_CLIMB_MAX]:
        prefix = str(folder).rstrip("/")
        versions = [named[1]] if named else _versions_below(root, prefix)
        for version in versions:
            for lib in ("lib", "lib64"):
                if resolve_file(root, f"{prefix}/{lib}/python{version}/os.py"):
                    return prefix, version
    return None


def _versions_below(root: Node, prefix: str) -> list[str]:
    found = resolve(root, f"{prefix}/lib")
    if found is None or found.node.kind is not Kind.FOLDER:
        return []
    names = (_LIBRARY.fullmatch(name) for name in sorted(found.node.entries()))
    versions = [match[1] for match in names if match]
    # With several nobody can tell which one a program named plain `python` is.
    return versions if len(versions) == 1 else []


def _packages(root: Node, prefix: str, version: str) -> list[str]:
    folders = [f"{prefix}/{lib}/python{version}/site-packages" for lib in ("lib64", "lib")]
    if prefix == "/usr" and _is_folder(root, "/usr/lib/python3/dist-packages"):
        # Debian's site.py: packages of pip first, then its own.
        return [
            f"/usr/local/lib/python{version}/dist-packages",
            "/usr/lib/python3/dist-packages",
            f"/usr/lib/python{version}/dist-packages",
        ]
    if prefix == "/usr":
        return [f"/usr/local/{lib}/python{version}/site-packages" for lib in ("lib64", "lib")] + (
            folders
        )
    return folders


def _virtual(root: Node, called_as: PurePosixPath) -> tuple[str, bool] | None:
    """Find a virtual environment: its folder, and whether it sees the packages of its base."""
    for folder in (called_as.parent, called_as.parent.parent):
        found = resolve_file(root, folder / "pyvenv.cfg")
        if found is not None:
            text = read_text(found.node, limit=_TEXT_MAX)
            is_open = re.search(r"(?mi)^include-system-site-packages\s*=\s*true\s*$", text)
            return str(folder), is_open is not None
    return None


def _pth(root: Node, folder: str) -> Iterator[str]:
    found = resolve(root, folder)
    if found is None or found.node.kind is not Kind.FOLDER:
        return
    names = [name for name in sorted(found.node.entries()) if name.endswith(".pth")]
    for name in names[:_PTH_FILES_MAX]:
        file = resolve_file(root, found.path / name)
        lines = read_text(file.node, limit=_TEXT_MAX).splitlines() if file is not None else ()
        for line in lines:
            text = line.strip()
            if text and not text.startswith(("#", "import ", "import\t")):
                path = str(found.path / text)
                if _is_folder(root, path):
                    yield path


def _is_folder(root: Node, path: str) -> bool:
    found = resolve(root, path)
    return found is not None and found.node.kind is Kind.FOLDER
