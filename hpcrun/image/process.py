"""What a dynamic loader would load for a program, in its order; loads nothing.

Follows ld.so(8) and glibc's elf/dl-load.c: a library is searched in DT_RPATH of whatever needs it,
then of what needed that one, up to the program (none of this where the asker has DT_RUNPATH), in
LD_LIBRARY_PATH, the asker's DT_RUNPATH, /etc/ld.so.cache and the loader's own folders. A library
is loaded once by name. musl (ldso/dynlink.c) takes both kinds of path for one that is inherited,
behind LD_LIBRARY_PATH.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from hpcrun.image.elf import read_elf
from hpcrun.image.errors import ImageError
from hpcrun.image.library_places import CONFIGURED, LibraryPlaces, Place, is_musl
from hpcrun.image.linking import CLOSURE_MAX, library_at
from hpcrun.image.survey import ElfFile
from hpcrun.image.tree import Found, Kind, resolve, resolve_file
from hpcrun.tables.mpi_families import mpi_families

LIBRARY_PATH, PRELOAD, PRELOAD_FILE = "LD_LIBRARY_PATH", "LD_PRELOAD", "/etc/ld.so.preload"
PRELOADS = (PRELOAD, PRELOAD_FILE)
_TOKEN = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_LEVELS = "glibc-hwcaps"
_LEVELS_MAX = 16
_MUSL_OWN = re.compile(r"lib(c|pthread|rt|m|dl|util|xnet)\.(so|musl-).*")
_CHAIN_MAX = 64
_SHOWN = ("/home", "/root", "/tmp", "/var/tmp")  # noqa: S108
"""Apptainer shows the host's unless told otherwise (apptainer.conf: mount home, mount tmp)."""
_SYSTEM = ("/usr", "/lib", "/lib64", "/.singularity.d")
"""Here a site does not show its own, though a folder is not in the image."""


class Loaded(NamedTuple):
    """One library that a program gets, or asks for in vain."""

    name: str
    """As it is asked for."""
    file: ElfFile | None
    rule: str
    """By which it was found."""
    needed_by: PurePosixPath
    levels: tuple[str, ...] = ()
    """Folders of glibc-hwcaps with a copy, which newer processors take instead."""

    is_shown: bool = False
    """Whether, found nowhere, it was searched where the runtime may show the host's files."""

    @property
    def is_doubtful(self) -> bool:
        """Whether it lies only where the loader looks after `ldconfig` has run."""
        return self.rule.startswith(CONFIGURED)


class _Asker(NamedTuple):
    """A file in the process, and the one that had it loaded."""

    file: ElfFile
    by: "_Asker | None"


class Process:
    """One program with all that is loaded into it."""

    def __init__(
        self, places: LibraryPlaces, program: ElfFile, *, library_path: Sequence[str] = ()
    ) -> None:
        self._places = places
        self._program = _Asker(program, None)
        self._library_path = tuple(library_path)
        self._is_musl = is_musl(program.elf.interpreter or "")
        self._names: dict[str, ElfFile | None] = {}
        self._level_folders: dict[str, Found | None] = {}
        self.loaded: list[Loaded] = []

    def start(self, preload: Sequence[tuple[str, str]] = ()) -> None:
        """Load what the program needs; `preload` are names with the rule that has them loaded."""
        loader = self._program.file.elf.interpreter
        if loader is not None:
            self._load_interpreter(loader)
        pending = [self._program]
        for name, rule in preload:
            pending += self._take(name, self._program, rule=rule)
        self._load_all(pending)

    def open(self, file: ElfFile) -> None:
        """Load what a file needs that the program opens while it runs, such as a Python module."""
        self._load_all([_Asker(file, self._program)])

    def file_of(self, name: str) -> ElfFile | None:
        """Return what the process has loaded for a name."""
        return self._names.get(name)

    def reached_by(self, start: ElfFile) -> Iterator[Loaded]:
        """Yield what a file of the process needs, directly or not; behind MPI nothing more."""
        by_name = {loaded.name: loaded for loaded in self.loaded}
        seen: set[str] = set()
        pending = [*start.elf.needed]
        if start.path == self._program.file.path:
            pending += [loaded.name for loaded in self.loaded if loaded.rule in PRELOADS]
        while pending:
            name = pending.pop(0)
            if name in seen or len(seen) > CLOSURE_MAX:
                continue
            seen.add(name)
            loaded = by_name.get(name)
            if loaded is None:
                continue
            yield loaded
            if loaded.file is not None and mpi_families().library(name) is None:
                pending += loaded.file.elf.needed

    def _load_all(self, pending: list[_Asker]) -> None:
        while pending:
            asker = pending.pop(0)
            for name in asker.file.elf.needed:
                pending += self._take(name, asker)

    def _take(self, name: str, asker: _Asker, *, rule: str = "") -> list[_Asker]:
        """Load one library unless the process has it; return what then asks for more."""
        if name in self._names or (self._is_musl and _MUSL_OWN.fullmatch(name)):
            return []
        if len(self.loaded) >= CLOSURE_MAX:
            raise ImageError(f"{self._program.file.path} needs more than {CLOSURE_MAX} libraries")
        found = self._find(name, asker)
        self.loaded.append(found._replace(rule=rule) if rule else found)
        self._names[name] = found.file
        if found.file is None:
            return []
        self._names.setdefault(found.file.soname, found.file)
        return [_Asker(found.file, asker)]

    def _load_interpreter(self, path: str) -> None:
        found = resolve_file(self._places.root, path)
        elf = read_elf(found.node) if found is not None else None
        file = ElfFile(found.path, found.node, elf) if found is not None and elf else None
        rule = "the interpreter that the program names"
        self.loaded.append(Loaded(path, file, rule, self._program.file.path))
        if file is not None:
            self._names[file.soname] = file
            self._names[PurePosixPath(path).name] = file

    def _find(self, name: str, asker: _Asker) -> Loaded:
        user = asker.file
        if "/" in name:
            path = self._expand(name, user)
            return Loaded(
                name,
                self._at(path, user),
                "the path that is asked for",
                user.path,
                is_shown=self._may_be_shown(str(PurePosixPath(path).parent)),
            )
        is_shown = False
        for place in self._search(name, asker):
            is_shown = is_shown or self._may_be_shown(place.folder)
            file = self._at(f"{place.folder}/{name}", user)
            if file is not None:
                levels = self._levels(place.folder, name)
                return Loaded(name, file, place.rule, user.path, levels)
            levels = self._levels(place.folder, name)
            if levels:
                rule = f"{place.rule}, on processors of level {levels[0]}"
                file = library_at(
                    self._places.root, f"{place.folder}/{_LEVELS}/{levels[0]}/{name}", user
                )
                return Loaded(name, file, rule, user.path, levels)
        return Loaded(name, None, "", user.path, is_shown=is_shown)

    def _search(self, name: str, asker: _Asker) -> Iterator[Place]:
        """Yield the folders to look in, in order, each with its rule."""
        library_path = [Place(folder, LIBRARY_PATH) for folder in self._library_path]
        if self._is_musl:
            yield from library_path
            for file in _chain(asker):
                yield from self._own(file, file.elf.runpath or file.elf.rpath, "RUNPATH")
            yield from self._places.of_musl(self._program.file.elf.interpreter or "")
            return
        if not asker.file.elf.runpath:
            for file in dict.fromkeys((*_chain(asker), self._program.file)):
                rpath = () if file.elf.runpath else file.elf.rpath
                yield from self._own(file, rpath, "RPATH")
        yield from library_path
        yield from self._own(asker.file, asker.file.elf.runpath, "RUNPATH")
        yield from self._cached(name)
        yield from self._places.built_in(asker.file.arch)
        yield from self._places.configured()

    def _own(self, file: ElfFile, folders: Sequence[str], kind: str) -> Iterator[Place]:
        for folder in folders:
            yield Place(self._expand(folder, file), f"{kind} of {file.path}")

    def _cached(self, name: str) -> Iterator[Place]:
        for entry in (self._places.cache or {}).get(name, ()):
            path = PurePosixPath(entry.path)
            if path.name == name and not entry.is_for_some:
                yield Place(str(path.parent), "/etc/ld.so.cache")

    def _expand(self, folder: str, file: ElfFile) -> str:
        words: Mapping[str, str] = {
            "ORIGIN": str(file.path.parent),
            "LIB": self._places.lib_word(file.arch),
            "PLATFORM": file.arch,
        }
        return _TOKEN.sub(lambda m: words.get(m[1] or m[2], m[0]), folder)

    def _at(self, path: str, user: ElfFile) -> ElfFile | None:
        return library_at(self._places.root, path, user)

    def _may_be_shown(self, folder: str) -> bool:
        """Whether a folder may hold files of the host that no job or profile names."""
        path = PurePosixPath(posixpath.normpath(folder))
        if not path.is_absolute() or any(path.is_relative_to(each) for each in _SHOWN):
            return True
        if any(path.is_relative_to(each) for each in _SYSTEM):
            return False
        return resolve(self._places.root, folder) is None

    def _levels(self, folder: str, name: str) -> tuple[str, ...]:
        if self._is_musl:
            return ()
        if folder not in self._level_folders:
            self._level_folders[folder] = resolve(self._places.root, f"{folder}/{_LEVELS}")
        found = self._level_folders[folder]
        if found is None or found.node.kind is not Kind.FOLDER:
            return ()
        names = sorted(found.node.entries())[:_LEVELS_MAX]
        root = self._places.root
        paths = ((level, f"{folder}/{_LEVELS}/{level}/{name}") for level in names)
        return tuple(level for level, path in paths if resolve_file(root, path) is not None)


def _chain(asker: _Asker | None) -> Iterator[ElfFile]:
    """Yield a file, what had it loaded, what had that loaded, up to the program."""
    for _ in range(_CHAIN_MAX):
        if asker is None:
            return
        yield asker.file
        asker = asker.by
