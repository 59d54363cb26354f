"""The modules that a Python program imports, followed through source files; imports nothing."""

import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from hpcrun.image.errors import ImageError
from hpcrun.image.python_imports import SOURCE_MAX, Import, find_dynamic, read_imports
from hpcrun.image.python_path import PythonHome
from hpcrun.image.tree import Found, Kind, Node, read_text, resolve

_MODULES_MAX, _NAMES_MAX = 800, 10_000
_BYTES_MAX = 12 << 20
_EXTENSION = re.compile(r"\w+(?:\.(?:cpython|pypy|abi3|graalpy)[\w.-]*)?\.so")
_SOURCE = re.compile(r"\w+\.py")
_TAGGED = re.compile(r"\w+\.[a-z0-9]+\.(?:cpython|pypy|abi3)[\w.-]*\.so")
"""One of several files for one module, between which the package chooses (mpi4py's wheel)."""


class Extension(NamedTuple):
    """A compiled module that is imported."""

    name: str
    found: Found
    imported_by: str
    is_certain: bool


class _Module(NamedTuple):
    """A module or package that was found."""

    name: str
    file: Found | None
    """Source or extension; None for a folder without one."""
    folder: Found | None
    """Of a package."""
    is_choice: bool = False


class _Wanted(NamedTuple):
    """An import on the way."""

    module: str
    asker: str
    line: int
    is_certain: bool


class ImportGraph:
    """What a program imports."""

    def __init__(self, root: Node, home: PythonHome, first: Sequence[str]) -> None:
        self._root = root
        self._standard = home.standard
        self._folders = tuple(dict.fromkeys((*first, *home.standard, *home.site)))
        self._modules: dict[str, _Module | None] = {}
        self._followed: set[str] = set()
        self._n_bytes = 0
        self.extensions: dict[str, Extension] = {}
        self.choosers: dict[str, Extension] = {}
        """Modules that lie there once per MPI, by name."""
        self.doubts: list[str] = []
        self._dynamic: list[str] = []

    @property
    def all_doubts(self) -> list[str]:
        """Doubts about the program, and one about all that it imports."""
        if not self._dynamic:
            return self.doubts
        n, first = len(self._dynamic), self._dynamic[0]
        which = "an imported module" if n == 1 else f"{n} imported modules"
        return [*self.doubts, f"{which} may load or run anything, such as {first}"]

    def follow(self, source: str, *, name: str, package: str = "") -> None:
        """Follow a program's source to all that it imports.

        Args:
            name: how its file is named in doubts.
            package: the package that relative imports start from.
        """
        if (word := find_dynamic(source)) is not None:
            self.doubts.append(f"{name} uses `{word}`, by which it may load or run anything")
        pending = deque(self._wanted(source, name, package, is_certain=True))
        n_first = len(pending)
        n_done = 0
        while pending:
            wanted = pending.popleft()
            n_done += 1
            if (
                len(self._followed) > _MODULES_MAX
                or len(self._modules) > _NAMES_MAX
                or self._n_bytes > _BYTES_MAX
            ):
                self.doubts.append(f"{name} imports more than is followed")
                return
            try:
                pending += self._visit(wanted, is_first=n_done <= n_first)
            except ImageError as exc:
                self.doubts.append(f"{wanted.asker}:{wanted.line}: {exc.message}")

    def find(self, name: str) -> tuple[Found | None, bool] | None:
        """Return the file of a module and whether it is a package; None where there is none."""
        module = self._find(name)
        return (module.file, module.folder is not None) if module is not None else None

    def _wanted(
        self, source: str, asker: str, package: str, *, is_certain: bool
    ) -> Iterator[_Wanted]:
        for found in read_imports(source):
            module = _absolute(found, package)
            if module is None:
                continue
            certain = is_certain and found.is_certain
            if module:
                yield _Wanted(module, asker, found.line, certain)
            for name in found.names:
                whole = f"{module}.{name}".lstrip(".")
                yield _Wanted(f"?{whole}", asker, found.line, certain)

    def _visit(self, wanted: _Wanted, *, is_first: bool) -> Iterator[_Wanted]:
        """Find a module with the packages that hold it; yield what they import themselves."""
        name = wanted.module.removeprefix("?")
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            part = ".".join(parts[:depth])
            module = self._find(part)
            if module is None:
                is_optional = wanted.module.startswith("?") or not wanted.is_certain
                # Some of the standard library is part of the interpreter.
                is_optional = is_optional or part in sys.stdlib_module_names
                if is_first and not is_optional and depth == 1:
                    where = f"{wanted.asker}:{wanted.line}"
                    self.doubts.append(f"{where}: module `{part}` is not in the image")
                return
            yield from self._enter(module, wanted)

    def _enter(self, module: _Module, wanted: _Wanted) -> Iterator[_Wanted]:
        where = f"{wanted.asker}:{wanted.line}"
        file = module.file
        if file is None:
            return
        if module.is_choice or ".so" in file.path.name:
            kept = self.choosers if module.is_choice else self.extensions
            extension = Extension(module.name, file, where, wanted.is_certain)
            if wanted.is_certain or module.name not in kept:
                kept[module.name] = extension
            return
        key = f"{module.name}{wanted.is_certain}"
        if key in self._followed or f"{module.name}True" in self._followed:
            return
        self._followed.add(key)
        if str(file.path).startswith(tuple(f"{folder}/" for folder in self._standard)) and not any(
            part in str(file.path) for part in ("/site-packages/", "/dist-packages/")
        ):
            # The standard library needs no MPI.
            return
        self._n_bytes += file.node.size
        source = read_text(file.node, limit=SOURCE_MAX)
        if (word := find_dynamic(source)) is not None:
            self._dynamic.append(f"{file.path} (`{word}`)")
        package = module.name if module.folder is not None else module.name.rpartition(".")[0]
        yield from self._wanted(source, str(file.path), package, is_certain=wanted.is_certain)

    def _find(self, name: str) -> _Module | None:
        if name not in self._modules:
            self._modules[name] = self._look_up(name)
        return self._modules[name]

    def _look_up(self, name: str) -> _Module | None:
        parent, _, last = name.rpartition(".")
        if not parent:
            found: Iterator[_Module | None] = (
                self._in_folder(resolve(self._root, folder), name, last) for folder in self._folders
            )
        else:
            package = self._find(parent)
            if package is None or package.folder is None:
                return None
            found = iter([self._in_folder(package.folder, name, last)])
        bare = None
        for module in found:
            if module is not None and module.file is not None:
                return module
            bare = bare or module
        return bare

    def _in_folder(self, folder: Found | None, name: str, last: str) -> _Module | None:
        """Look as CPython's finder does: package, extension, source, folder without a file."""
        if folder is None or folder.node.kind is not Kind.FOLDER:
            return None
        entries = folder.node.entries()
        inside = resolve(self._root, folder.path / last) if last in entries else None
        if inside is None or inside.node.kind is not Kind.FOLDER:
            inside = None
        else:
            start = resolve(self._root, inside.path / "__init__.py")
            if start is not None:
                return _Module(name, start, inside)
        for entry, is_choice in _files_of(last, entries):
            file = resolve(self._root, folder.path / entry)
            if file is not None and file.node.kind is Kind.FILE:
                return _Module(name, file, None, is_choice)
        return _Module(name, None, inside) if inside is not None else None


def _files_of(module: str, entries: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Yield the files that may be a module, in CPython's order, and whether each is a choice."""
    names = sorted(entry for entry in entries if entry.startswith(f"{module}."))
    for pattern, is_choice in ((_EXTENSION, False), (_TAGGED, True), (_SOURCE, False)):
        yield from ((name, is_choice) for name in names if pattern.fullmatch(name))


def _absolute(found: Import, package: str) -> str | None:
    """Return a module's whole name; None where a relative one leads out of its package."""
    bare = found.module.lstrip(".")
    n_dots = len(found.module) - len(bare)
    if not n_dots:
        return bare
    parts = package.split(".") if package else []
    if n_dots - 1 > len(parts) or not parts:
        return None
    kept = parts[: len(parts) - (n_dots - 1)]
    return ".".join((*kept, *([bare] if bare else [])))
