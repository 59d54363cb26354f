"""Programs and Python modules that load an MPI library, and which file they would get."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Literal

from hpcrun.image.errors import ImageError
from hpcrun.image.interface import find_interface
from hpcrun.image.linking import CLOSURE_MAX, Linker
from hpcrun.image.survey import ElfFile, Survey
from hpcrun.model.base import UNKNOWN, Unknown
from hpcrun.model.image import Family, MpiUser
from hpcrun.tables.mpi_families import mpi_families

USERS_MAX = 500
RUN_TIME: Literal["run time"] = "run time"

_EXECUTABLE = 2
_ALIASES_MAX = 8
_OWN_WORD = re.compile(r"\$\{?(LIB|PLATFORM)")
_MODULE = re.compile(r".+\.(cpython-[0-9a-z_-]+|abi3|pypy[0-9a-z_-]+)\.so|.+module\.so")
_R_FOLDERS = ("library", "site-library")
_R_DEPTH = 3
"""As in site-library/PACKAGE/libs."""
_TAGGED = re.compile(r"(?P<stem>[A-Za-z0-9_]+)\.(?P<tag>[a-z]+)\..+\.so")


def find_mpi_users(survey: Survey, linker: Linker | None) -> tuple[MpiUser, ...]:
    """List what needs MPI: directly, through other libraries, or choosing at run time.

    Without a linker, where its search path is not known, nobody can tell which file they get.
    """
    reach = _Reach(survey)
    users = [*_choosers(survey)]
    chosen_late = {path for path in map(_chooser_file, survey.elf_files) if path is not None}
    for file in survey.elf_files:
        if file.path in chosen_late or not _is_readable_application(file, survey):
            continue
        sonames = sorted(reach.of(file))
        interface = find_interface(file, reach.find, survey.problems) if sonames else None
        for soname in sonames:
            users.append(
                MpiUser(
                    path=str(file.path),
                    needed=soname,
                    rpath=file.elf.rpath,
                    runpath=file.elf.runpath,
                    library=_loaded(file, soname, linker, survey),
                    symbols=interface.symbols if interface else UNKNOWN,
                    companions=interface.companions if interface else (),
                )
            )
    if len(users) > USERS_MAX:
        survey.problems.add(f"{len(users)} programs use MPI: only {USERS_MAX} of them are listed")
    return tuple(users[:USERS_MAX])


def _loaded(
    file: ElfFile, soname: str, linker: Linker | None, survey: Survey
) -> str | Unknown | None:
    """Return the file that the loader finds; None only where the program itself asks in vain.

    A library between the two may inherit the program's DT_RPATH, and `$LIB` is the loader's own.
    """
    if linker is None:
        return UNKNOWN
    try:
        if soname in file.elf.needed:
            found, otherwise = linker.find(soname, file), None
        else:
            found, otherwise = dict(linker.closure(file)).get(soname), UNKNOWN
    except ImageError as exc:
        survey.problems.tell(file.path, exc)
        return UNKNOWN
    if any(_OWN_WORD.search(folder) for folder in (*file.elf.rpath, *file.elf.runpath)):
        otherwise = UNKNOWN
    return str(found.path) if found else otherwise


def applications(survey: Survey) -> Iterator[ElfFile]:
    """Yield the programs and extension modules of a tree."""
    return (file for file in survey.elf_files if _is_readable_application(file, survey))


def _is_readable_application(file: ElfFile, survey: Survey) -> bool:
    try:
        return _is_application(file)
    except ImageError as exc:
        survey.problems.tell(file.path, exc)
        return False


def _is_application(file: ElfFile) -> bool:
    name = file.path.name
    if ".so" in name:
        return _MODULE.fullmatch(name) is not None or _is_module_by_place(file.path)
    if mpi_families().is_own_program(name):
        return False
    return file.elf.ident.kind == _EXECUTABLE or file.elf.interpreter is not None


def _is_module_by_place(path: PurePosixPath) -> bool:
    """Whether a library lies where only Python or R loads it: SWIG's modules, packages of R."""
    if path.name.startswith("lib"):
        return False
    folders = path.parent.parts
    is_python = not {"site-packages", "dist-packages"}.isdisjoint(folders)
    is_r = len(folders) >= _R_DEPTH and folders[-1] == "libs" and folders[-3] in _R_FOLDERS
    return is_python or is_r


def _chooser_file(file: ElfFile) -> PurePosixPath | None:
    match = _TAGGED.fullmatch(file.path.name)
    if match is None or mpi_families().binding_family(match["tag"]) is None:
        return None
    return file.path


def _choosers(survey: Survey) -> Iterator[MpiUser]:
    """Yield Python modules that are built once per MPI and pick one when they are imported.

    Such a module lies as <module>.<tag>.<suffix>.so in one folder for each MPI (mpi4py's wheel).
    """
    families: dict[tuple[PurePosixPath, str], set[Family]] = {}
    for file in survey.elf_files:
        match = _TAGGED.fullmatch(file.path.name)
        family = mpi_families().binding_family(match["tag"]) if match else None
        if match and family is not None:
            families.setdefault((file.path.parent, match["stem"]), set()).add(family)
    for (folder, stem), found in sorted(families.items()):
        order = tuple(family for family in Family if family in found)
        yield MpiUser(path=str(folder / stem), needed=RUN_TIME, families=order)


class _Reach:
    """MPI sonames that a file needs, directly or through libraries of the same tree."""

    def __init__(self, survey: Survey) -> None:
        self._problems = survey.problems
        self._aliases = survey.aliases
        self._by_name: dict[tuple[str, str], ElfFile] = {}
        for file in survey.elf_files:
            if ".so" in file.path.name:
                self._by_name.setdefault((file.arch, file.path.name), file)
        self._known: dict[PurePosixPath, frozenset[str]] = {}

    def find(self, name: str, arch: str) -> ElfFile | None:
        """Find a library by a name that programs need: its file's, or that of a link to it."""
        for _ in range(_ALIASES_MAX):
            if (arch, name) in self._by_name:
                return self._by_name[arch, name]
            name = self._aliases.get(name, "")
        return None

    def of(self, start: ElfFile) -> frozenset[str]:
        """Return the MPI sonames that a file comes to need.

        Direct ones count alone: a program linked to its MPI gets that one whatever else it loads.
        """
        found: set[str] = set()
        seen = {start.path}
        pending = [start]
        while pending:
            if len(seen) > CLOSURE_MAX:
                self._problems.add(f"{start.path} needs more than {CLOSURE_MAX} libraries")
                break
            file = pending.pop()
            if file.path in self._known:
                found |= self._known[file.path]
                continue
            direct = {name for name in self._needed(file) if mpi_families().library(name)}
            found |= direct
            if direct:
                continue
            for name in self._needed(file):
                library = self.find(name, file.arch)
                if library is not None and library.path not in seen:
                    seen.add(library.path)
                    pending.append(library)
        self._known[start.path] = frozenset(found)
        if not found:
            # Nothing on the way needs MPI either, so later walks can stop there.
            self._known.update(dict.fromkeys(seen, frozenset[str]()))
        return self._known[start.path]

    def _needed(self, file: ElfFile) -> tuple[str, ...]:
        try:
            return file.elf.needed
        except ImageError as exc:
            self._problems.tell(file.path, exc)
            return ()
