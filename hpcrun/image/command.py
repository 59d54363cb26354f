"""Follows a command to the programs that it ends in: wrappers, scripts, interpreters; runs none.

What cannot be followed becomes a doubt that names file and line; the rest is still told.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from hpcrun.image.elf import IDENT_SIZE, Elf, read_ident
from hpcrun.image.environment import UNKNOWN_ENVIRONMENT, Environment
from hpcrun.image.errors import ImageError
from hpcrun.image.python_program import PythonCall, read_python_call, unwrap_module
from hpcrun.image.survey import ElfFile
from hpcrun.image.tree import Found, Node, read_text, resolve, resolve_file
from hpcrun.image.tree import Kind as NodeKind
from hpcrun.model.base import UNKNOWN, is_known
from hpcrun.model.command import Step
from hpcrun.model.seen import Certainty
from hpcrun.shell.call import read_shell_call
from hpcrun.shell.found import ShellCommand, ShellDoubt
from hpcrun.shell.reader import read_shell
from hpcrun.shell.state import Where, is_on_every_way
from hpcrun.shell.words import UNKNOWN_WORD
from hpcrun.tables import is_interpreter
from hpcrun.tables.wrappers import Wrapper, options_end, wrappers

_STEPS_MAX = 100
_BRANCHES_MAX = 1 << 20
_DEPTH_MAX = 16
_SHEBANG_MAX = 256
_SCRIPT_MAX = 256 << 10
Kind = Literal["elf", "script", "unknown", "missing"]
_SHELLS = frozenset(["sh", "bash", "dash", "ash", "ksh", "zsh"])
_CLEARED = Environment("/bin:/usr/bin", "")
"""What execvp searches where there is no PATH (glibc's confstr _CS_PATH)."""


class Called(NamedTuple):
    """A file that is executed."""

    called_as: PurePosixPath
    found: Found


class Place(NamedTuple):
    """Where something is called, and what holds there."""

    environment: Environment
    folder: PurePosixPath | None
    """Where relative names start; None where that is not known."""
    through: str = "the command"
    where: Where = ()
    """On which ways through scripts it is called; all, where nothing stands here."""
    depth: int = 0

    def below(self, through: str) -> "Place":
        """Return the place of what is called from here."""
        return self._replace(through=through, depth=self.depth + 1)


class End(NamedTuple):
    """A program at which a command ends, with all that decides what is loaded into it."""

    file: ElfFile
    called: Called
    place: Place
    python: PythonCall | None = None


class CommandWalk:
    """One command, followed as far as it is literal."""

    def __init__(self, root: Node, environment: Environment, workdir: PurePosixPath | None) -> None:
        self._root = root
        self._start_place = Place(environment, workdir)
        self._steps: list[tuple[Step, Where]] = []
        self._n_scripts = 0
        self.ends: list[End] = []
        self.doubts: list[str] = []
        self.executed: list[ElfFile] = []

    def follow(self, argv: Sequence[str]) -> None:
        """Follow a command from its first word."""
        self._run(tuple(argv), self._start_place)

    @property
    def steps(self) -> tuple[Step, ...]:
        """What is executed, in order; a hint where not every way through a script leads there."""
        told: list[Step] = []
        for step, where in self._steps:
            same = [each for other, each in self._steps if _is_same(other, step)]
            is_sure = not where or is_on_every_way(same)
            told.append(step if is_sure else step.model_copy(update={"certainty": Certainty.HINT}))
        return tuple(told)

    def is_sure(self, end: End) -> bool:
        """Whether each way through the scripts leads to this program."""
        path = end.file.path
        places = [each.place.where for each in self.ends if each.file.path == path]
        return is_on_every_way(places)

    def is_astray(self, place: Place) -> bool:
        """Whether a script has gone to a folder that is not known."""
        return place.folder is None and self._start_place.folder is not None

    def locate(self, name: str, place: Place) -> Called | None:
        """Find the file that a word names: a path, or a name looked up in PATH."""
        if "/" in name:
            return self.locate_path(name, place)
        if not is_known(place.environment.path):
            return None
        for folder in place.environment.path.split(":"):
            path = PurePosixPath(folder) / name
            found = resolve_file(self._root, path) if folder.startswith("/") else None
            if found is not None and found.node.is_executable:
                return Called(path, found)
        return None

    def locate_path(self, name: str, place: Place) -> Called | None:
        """Find the file of a path; a relative one starts at the folder of the place."""
        path = PurePosixPath(name)
        if not path.is_absolute():
            if place.folder is None:
                return None
            path = place.folder / path
        found = resolve_file(self._root, path)
        return Called(path, found) if found is not None else None

    def _doubt(self, text: str) -> None:
        if text not in self.doubts:
            self.doubts.append(text)

    def _note(self, place: Place, name: str, kind: Kind, path: str | None = None) -> None:
        """Note a step."""
        step = Step(name=name, path=path, kind=kind, through=place.through)
        self._steps.append((step, place.where))

    def _run(self, argv: tuple[str, ...], place: Place) -> None:
        through = place.through
        if place.depth > _DEPTH_MAX or len(self._steps) >= _STEPS_MAX:
            self._doubt(f"{through}: programs call each other more than {_DEPTH_MAX} times deep")
            return
        name = argv[0]
        if UNKNOWN_WORD in name:
            self._doubt(f"{through}: what it runs stands in a variable that is not known")
            if last := PurePosixPath(name.rpartition(UNKNOWN_WORD)[2].partition("/")[2]).name:
                self._note(place, last, "unknown")
            return
        try:
            called = self.locate(name, place)
            head = called.found.node.read_at(0, _SHEBANG_MAX) if called else b""
        except ImageError as exc:
            self._doubt(f"{through}: `{name}`: {exc.message}")
            return
        if called is None:
            self._lose(name, place)
            return
        ident = read_ident(head[:IDENT_SIZE])
        kind: Kind = "script" if head[:2] == b"#!" else "unknown"
        path = str(called.found.path)
        self._note(place, name, "elf" if ident else kind, path)
        if ident is not None:
            file = ElfFile(called.found.path, called.found.node, Elf(called.found.node, ident))
            self.executed.append(file)
            self._start(argv, End(file, called, place))
        elif kind == "script":
            self._interpret(head, argv, called, place)
        else:
            self._doubt(f"{path} is neither a program nor a script with a first line")

    def _lose(self, name: str, place: Place) -> None:
        """Note a word that leads nowhere."""
        is_by_name, through = "/" not in name, place.through
        if is_by_name and not is_known(place.environment.path):
            self._note(place, name, "unknown")
            self._doubt(f"`{name}` ({through}): PATH is set by more than literal lines")
        elif not name.startswith("/") and not is_by_name and self.is_astray(place):
            self._note(place, name, "unknown")
            self._doubt(f"`{name}` ({through}): the folder where it starts is not known")
        else:
            self._note(place, name, "missing")
            where = "in no folder of PATH" if is_by_name else "not in the image"
            self._doubt(f"`{name}` ({through}) is {where}")

    def _interpret(self, head: bytes, argv: tuple[str, ...], called: Called, place: Place) -> None:
        """Follow a script's first line as Linux does: one word of options at most."""
        line = head[2:].split(b"\n")[0].decode("utf-8", "replace").strip()
        words = line.split(None, 1)
        through = f"first line of {called.found.path}"
        if not words or not words[0].startswith("/"):
            self._doubt(f"{through} names no program")
            return
        name = PurePosixPath(words[0]).name
        if not (name in _SHELLS or wrappers().by_name(name) or is_interpreter(name)):
            self._doubt(f"{called.found.path} is a script for {words[0]}, which is not followed")
        self._run((*words, str(called.called_as), *argv[1:]), place.below(through))

    def _start(self, argv: tuple[str, ...], end: End) -> None:
        """Go on behind a program that runs another, or end with it."""
        name = PurePosixPath(argv[0]).name
        real = end.file.path.name
        row = wrappers().by_name(name)
        if name in _SHELLS or (real in _SHELLS and real == name):
            self._shell(argv, end)
        elif row is not None:
            self._wrap(row, argv, end)
        elif name.startswith(("python", "pypy")) and is_interpreter(name):
            self._python(argv, end)
        else:
            if is_interpreter(name) or is_interpreter(real):
                self._doubt(f"{end.file.path} runs or loads what is not followed")
            self.ends.append(end)

    def _wrap(self, row: Wrapper, argv: tuple[str, ...], end: End) -> None:
        name = argv[0]
        words = list(argv[1:])
        environment = end.place.environment
        if words and words[0] in row.splits:
            words = [*" ".join(words[1:2]).split(), *words[2:]]
        elif words and any(words[0].startswith(option) for option in row.splits):
            option = next(option for option in row.splits if words[0].startswith(option))
            words = [*words[0].removeprefix(option).lstrip("=").split(), *words[1:]]
        at = options_end(words, values=row.values, flags=(*row.flags, *row.empties))
        if at is None or UNKNOWN_WORD in "".join(words[: at + row.before]):
            self._doubt(f"`{name}` is called with options that are not known")
            return
        if any(word in row.empties for word in words[:at]):
            environment = _CLEARED
        rest = words[at + row.before :]
        while row.sets and rest and "=" in rest[0]:
            key, _, value = rest.pop(0).partition("=")
            environment = environment.with_settings({key: value})
        if not rest or (words[:1] and words[0] in row.quits):
            self.ends.append(end)
            return
        if row.splits_by is not None and row.splits_by in rest:
            self._doubt(f"`{name}` starts several programs")
        place = end.place._replace(environment=environment)
        self._run(tuple(rest), place.below(f"`{name}`"))

    def _shell(self, argv: tuple[str, ...], end: End) -> None:
        """Follow a shell to its script, or to the text behind -c."""
        call = read_shell_call(argv[1:])
        if call is None:
            self._doubt(f"`{argv[0]}` is called with options that are not known")
            return
        place = end.place
        if call.reads_profiles:
            place = place._replace(environment=UNKNOWN_ENVIRONMENT)
        if call.kind == "text":
            # Behind the text comes what is $0 in it.
            name, args = (call.args[0], call.args[1:]) if call.args else (argv[0], ())
            self._commands(call.what, name, args, place.below(f"`{argv[0]} -c`"))
            return
        called = self.locate_path(call.what, place) if call.kind == "file" else None
        if called is None:
            self._doubt(f"`{argv[0]}` reads a script that is not in the image")
            return
        path = str(called.found.path)
        if place.through != f"first line of {path}":
            self._note(place._replace(through=f"`{argv[0]}`"), call.what, "script", path)
        text = read_text(called.found.node, limit=_SCRIPT_MAX)
        self._commands(text, str(called.called_as), call.args, place.below(path))

    def _commands(self, text: str, name: str, args: tuple[str, ...], place: Place) -> None:
        """Follow the commands of a script; `place` names the script."""
        known = place.environment.variables(unknown=UNKNOWN_WORD)
        self._n_scripts += 1
        first_branch = self._n_scripts * _BRANCHES_MAX
        for found in read_shell(text, name=name, args=args, variables=known):
            through = f"line {found.line} of {place.through}"
            if isinstance(found, ShellDoubt):
                self._doubt(f"{through}: {found.what}")
                continue
            # Each script counts its branches from one.
            own = (arm._replace(branch=first_branch + arm.branch) for arm in found.where)
            self._run_word(
                found.words,
                place._replace(
                    environment=_environment(found, place.environment),
                    folder=self._folder(found.folder, place.folder),
                    through=through,
                    where=(*place.where, *own),
                ),
            )

    def _folder(self, moved: str | None, before: PurePosixPath | None) -> PurePosixPath | None:
        """Say where a command of a script runs: `cd` goes only to a folder that is there."""
        if not moved:
            return before if moved is not None else None
        path = PurePosixPath(moved)
        if not path.is_absolute():
            if before is None:
                return None
            path = before / path
        found = resolve(self._root, path)
        return path if found is not None and found.node.kind is NodeKind.FOLDER else None

    def _run_word(self, words: tuple[str, ...], place: Place) -> None:
        """Run a command of a script; `exec` and `command` are the shell's own."""
        while words and words[0] in ("exec", "command", "builtin"):
            words = words[1:]
        if words and words[0].startswith("-"):
            self._doubt(f"{place.through}: `exec` or `command` with options")
        elif words:
            self._run(words, place)

    def _python(self, argv: tuple[str, ...], end: End) -> None:
        call = read_python_call(argv[1:])
        if call is None or UNKNOWN_WORD in call.what:
            self._doubt(f"`{argv[0]}` is called with options that are not known")
            call = None
        self.ends.append(end._replace(python=unwrap_module(call) if call else None))


def _environment(found: ShellCommand, before: Environment) -> Environment:
    """Return the environment of a script's command."""
    settings = {
        key: UNKNOWN if UNKNOWN_WORD in value else value for key, value in found.settings.items()
    }
    return (UNKNOWN_ENVIRONMENT if found.is_lost else before).with_settings(settings)


def _is_same(one: Step, other: Step) -> bool:
    """Whether two steps run the same file, or ask for it by the same name."""
    return (one.path, one.name if one.path is None else "") == (
        other.path,
        other.name if other.path is None else "",
    )
