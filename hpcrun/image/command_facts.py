"""What a command comes to load: libraries, Python modules and, among them, MPI; runs nothing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hpcrun.image.command import Called, CommandWalk, End
from hpcrun.image.elf import read_elf
from hpcrun.image.environment import Environment
from hpcrun.image.errors import ImageError
from hpcrun.image.interface import find_interface
from hpcrun.image.library_places import LibraryPlaces, split_path
from hpcrun.image.mounts import Surroundings, with_mounts
from hpcrun.image.problems import Problems
from hpcrun.image.process import PRELOAD, PRELOAD_FILE, PRELOADS, Loaded, Process
from hpcrun.image.python_modules import Extension, ImportGraph
from hpcrun.image.python_path import find_python
from hpcrun.image.python_program import PythonCall
from hpcrun.image.survey import ElfFile
from hpcrun.image.tree import Node, read_text, resolve_file
from hpcrun.image.users import RUN_TIME
from hpcrun.image.version_needs import find_version_needs
from hpcrun.model.base import UNKNOWN, Unknown, is_known, known
from hpcrun.model.command import (
    BuiltInMpi,
    CommandFacts,
    ImportedModule,
    LoadedLibrary,
    Step,
    VersionNeed,
)
from hpcrun.model.image import MpiUser
from hpcrun.model.seen import Certainty
from hpcrun.tables.mpi_families import mpi_families

if TYPE_CHECKING:
    from pathlib import PurePosixPath

_TEXT_MAX = 64 << 10
_SOURCE_MAX = 1 << 20
_PRELOADS_MAX = 20
_DOUBTS_MAX = 20
_MODULES_MAX = 200


class Gathered(NamedTuple):
    """A command with the files that it loads, for what else is asked of them."""

    facts: CommandFacts
    files: tuple[ElfFile, ...]
    """Programs, libraries and modules of its processes."""
    executed: tuple[ElfFile, ...]
    """Every program that is started on the way."""


def read_command(
    root: Node,
    argv: Sequence[str],
    environment: Environment,
    *,
    around: Surroundings,
    choosers: Iterable[MpiUser] = (),
) -> Gathered:
    """Follow a command inside an image.

    Args:
        around: what the job mounts into the container, and where it starts.
        choosers: Python modules of the image that choose their MPI at run time.
    """
    tree = with_mounts(root, around.mounts)
    walk = CommandWalk(tree, environment, around.workdir)
    walk.follow(argv)
    reading = _Reading(tree, walk, {user.path: user for user in choosers})
    for end in walk.ends:
        reading.load(end)
    return reading.result(tuple(argv))


class _Reading:
    """What is found while the ends of a command are looked at."""

    def __init__(self, root: Node, walk: CommandWalk, choosers: Mapping[str, MpiUser]) -> None:
        self._root = root
        self._walk = walk
        self._choosers = choosers
        self._places = LibraryPlaces(root)
        self._doubts = list(walk.doubts)
        self._steps = list(walk.steps)
        self._libraries: dict[tuple[str, str | None], LoadedLibrary] = {}
        self._modules: dict[str, ImportedModule] = {}
        self._users: dict[tuple[str, str], MpiUser] = {}
        self._built_in: list[BuiltInMpi] = []
        self._files: dict[PurePosixPath, ElfFile] = {}

    def load(self, end: End) -> None:
        """Load one program and, where it is Python, its modules."""
        try:
            process = self._process(end)
            self._note(process, 0, end.file, end)
            if end.python is not None:
                self._import(end, process)
            elif not self._users:
                self._look_inside(end.file)
        except ImageError as exc:
            self._doubts.append(f"{end.file.path}: {exc.message}")

    def result(self, argv: tuple[str, ...]) -> Gathered:
        """Return all that was found."""
        users = tuple(self._users.values())
        is_followed = not self._doubts and bool(self._walk.ends)
        is_found = any(user.certainty is not Certainty.HINT for user in users)
        facts = CommandFacts(
            argv=argv,
            steps=tuple(self._steps),
            doubts=tuple(self._doubts[:_DOUBTS_MAX]),
            closure=tuple(self._libraries.values()),
            modules=tuple(self._modules.values())[:_MODULES_MAX],
            mpi_users=users if is_followed or is_found else UNKNOWN,
            built_in=tuple(self._built_in),
            needs=self._needs(),
        )
        return Gathered(facts, tuple(self._files.values()), tuple(self._walk.executed))

    def _look_inside(self, file: ElfFile) -> None:
        """Note an MPI that was linked into a program."""
        row = mpi_families().built_into(file.elf.read_only_data())
        if row is not None:
            self._built_in.append(
                BuiltInMpi(
                    path=str(file.path),
                    implementation=row.name,
                    family=row.family,
                    evidence=f"constants of {row.name} in {file.path}",
                    certainty=Certainty.LIKELY,
                )
            )
            self._doubts.append(f"{file.path} has {row.name} linked into itself")

    def _needs(self) -> tuple[VersionNeed, ...]:
        try:
            return find_version_needs(self._files.values())
        except ImageError as exc:
            self._doubts.append(f"symbol versions: {exc.message}")
            return ()

    def _process(self, end: End) -> Process:
        library_path = split_path(known(end.place.environment.library_path) or "")
        process = Process(self._places, end.file, library_path=library_path)
        process.start(self._preloads(end.place.environment))
        return process

    def _preloads(self, environment: Environment) -> list[tuple[str, str]]:
        if not is_known(environment.preload):
            self._doubts.append(f"the image sets {PRELOAD} in a way that is not literal")
        words = [
            (word, PRELOAD) for word in (known(environment.preload) or "").replace(":", " ").split()
        ]
        found = resolve_file(self._root, PRELOAD_FILE)
        text = read_text(found.node, limit=_TEXT_MAX) if found is not None else ""
        lines = (line.split("#")[0] for line in text.splitlines())
        words += [(word, PRELOAD_FILE) for line in lines for word in line.replace(":", " ").split()]
        return words[:_PRELOADS_MAX]

    def _note(
        self,
        process: Process,
        start: int,
        user: ElfFile,
        end: End,
        certainty: Certainty = Certainty.SURE,
    ) -> None:
        """Note what was loaded since `start`, and the MPI library that `user` gets by it."""
        environment = end.place.environment
        certainty = certainty if self._walk.is_sure(end) else Certainty.HINT
        self._files.setdefault(user.path, user)
        for loaded in process.loaded[start:]:
            self._note_library(loaded, environment, certainty)
        for loaded in process.reached_by(user):
            if mpi_families().library(loaded.name) is None:
                continue
            asker = self._asker(loaded, user)
            asked = find_interface(user, lambda name, _arch: process.file_of(name), Problems())
            self._users[str(user.path), loaded.name] = MpiUser(
                path=str(user.path),
                needed=loaded.file.soname if loaded.file is not None else loaded.name,
                rpath=asker.elf.rpath,
                runpath=asker.elf.runpath,
                library=_library_of(loaded, environment),
                symbols=asked.symbols,
                companions=asked.companions,
                rule=loaded.rule,
                certainty=certainty,
            )

    def _asker(self, loaded: Loaded, user: ElfFile) -> ElfFile:
        return self._files.get(loaded.needed_by, user)

    def _note_library(self, loaded: Loaded, environment: Environment, least: Certainty) -> None:
        path = str(loaded.file.path) if loaded.file is not None else None
        if loaded.file is not None:
            self._files.setdefault(loaded.file.path, loaded.file)
        else:
            self._doubts.append(f"`{loaded.name}`, which {loaded.needed_by} needs, was not found")
        self._libraries.setdefault(
            (loaded.name, path),
            LoadedLibrary(
                name=loaded.name,
                path=path,
                needed_by=str(loaded.needed_by),
                levels=loaded.levels,
                evidence=_rule(loaded),
                certainty=_worse(_certainty(loaded, environment), least),
            ),
        )

    # Python

    def _import(self, end: End, process: Process) -> None:
        home = find_python(self._root, end.called.called_as, end.file.path)
        call = end.python
        if home is None or call is None or call.kind == "none":
            self._doubts.append(f"{end.file.path}: what Python runs cannot be read")
            return
        script = self._walk.locate_path(call.what, end.place) if call.kind == "file" else None
        first = self._first_folders(call, end, script)
        graph = ImportGraph(self._root, home, [folder for folder in first if folder])
        if call.kind == "text":
            graph.follow(re.sub(r";[ \t]*", "\n", call.what), name="the text behind -c")
        elif call.kind == "module":
            self._follow_module(graph, call.what)
        elif script is None:
            self._doubts.append(f"{call.what}, which Python runs, is not in the image")
        else:
            path = str(script.found.path)
            self._steps.append(
                Step(name=call.what, path=path, kind="python", through=end.file.path.name)
            )
            graph.follow(read_text(script.found.node, limit=_SOURCE_MAX), name=path)
        self._take_modules(graph, end, process)

    def _first_folders(self, call: PythonCall, end: End, script: Called | None) -> list[str]:
        """Return where Python looks before its own folders."""
        first: list[str] = []
        environment, folder = end.place.environment, end.place.folder
        if call.reads_python_path:
            if not is_known(environment.python_path) or environment.python_home:
                self._doubts.append(
                    "the image sets PYTHONPATH or PYTHONHOME in a way that is not followed"
                )
            first += (known(environment.python_path) or "").split(":")
        if call.reads_own_folder:
            if script is None and self._walk.is_astray(end.place):
                self._doubts.append(f"{end.file.path}: the folder where it starts is not known")
            own = script.found.path.parent if script is not None else folder
            first.insert(0, str(own) if own is not None else "")
        return first

    def _follow_module(self, graph: ImportGraph, name: str) -> None:
        """Follow `-m NAME`: the module, or the `__main__` of a package."""
        found = graph.find(name)
        if found is not None and found[1]:
            graph.follow(f"import {name}", name=f"package {name}")
            found = graph.find(f"{name}.__main__")
            package = name
        else:
            package = name.rpartition(".")[0]
        if found is None or found[0] is None or not found[0].path.name.endswith(".py"):
            self._doubts.append(f"module `{name}`, which Python runs, is not in the image")
            return
        file = found[0]
        self._steps.append(
            Step(name=f"-m {name}", path=str(file.path), kind="python", through="python")
        )
        graph.follow(read_text(file.node, limit=_SOURCE_MAX), name=str(file.path), package=package)

    def _take_modules(self, graph: ImportGraph, end: End, process: Process) -> None:
        self._doubts += graph.all_doubts
        for extension in graph.extensions.values():
            self._modules[extension.name] = _imported(extension)
            elf = read_elf(extension.found.node)
            if elf is None:
                continue
            file = ElfFile(extension.found.path, extension.found.node, elf)
            start = len(process.loaded)
            process.open(file)
            self._note(process, start, file, end, _imported(extension).certainty)
        for extension in graph.choosers.values():
            self._modules[extension.name] = _imported(extension)
            stem = extension.found.path.parent / extension.name.rpartition(".")[2]
            user = self._choosers.get(str(stem)) or MpiUser(path=str(stem), needed=RUN_TIME)
            is_sure = self._walk.is_sure(end)
            certainty = _imported(extension).certainty if is_sure else Certainty.HINT
            self._users[str(stem), RUN_TIME] = user.model_copy(update={"certainty": certainty})


def _imported(extension: Extension) -> ImportedModule:
    return ImportedModule(
        name=extension.name,
        path=str(extension.found.path),
        imported_by=extension.imported_by,
        certainty=Certainty.LIKELY if extension.is_certain else Certainty.HINT,
    )


def _library_of(loaded: Loaded, environment: Environment) -> str | Unknown | None:
    """Return the library's path; unknown where something unread decides."""
    is_by_rpath = loaded.rule.startswith("RPATH ")
    if loaded.is_doubtful or not (is_by_rpath or is_known(environment.library_path)):
        return UNKNOWN
    return str(loaded.file.path) if loaded.file is not None else None


def _certainty(loaded: Loaded, environment: Environment) -> Certainty:
    is_passed_over = loaded.file is None and (loaded.rule in PRELOADS or loaded.is_shown)
    if loaded.is_doubtful or is_passed_over or not is_known(environment.library_path):
        return Certainty.HINT
    return Certainty.LIKELY if loaded.levels else Certainty.SURE


def _worse(one: Certainty, other: Certainty) -> Certainty:
    return max(one, other, key=list(Certainty).index)


def _rule(loaded: Loaded) -> str:
    if loaded.file is None:
        return "found in none of the loader's folders"
    if loaded.is_doubtful:
        return "a folder of ld.so.conf, but not ld.so.cache: found once `ldconfig` has run"
    return loaded.rule
