"""Follows a command to the programs that it ends in: wrappers, scripts, interpreters; runs none.

What cannot be followed becomes a doubt that names file and line; the rest is still told.
"""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from hpcrun.image.elf import IDENT_SIZE, Elf, read_ident
from hpcrun.image.environment import UNKNOWN_ENVIRONMENT, Environment
from hpcrun.image.errors import ImageError
from hpcrun.image.python_program import PythonCall, read_python_call, unwrap_module
from hpcrun.image.shell import UNKNOWN_WORD, ShellCommand, ShellDoubt, read_shell
from hpcrun.image.shell_call import read_shell_call
from hpcrun.image.survey import ElfFile
from hpcrun.image.tree import Found, Node, read_text, resolve_file
from hpcrun.model.base import UNKNOWN, is_known
from hpcrun.model.command import Step
from hpcrun.tables import is_interpreter
from hpcrun.tables.wrappers import Wrapper, options_end, wrappers

_STEPS_MAX = 60
_DEPTH_MAX = 16
_SHEBANG_MAX = 256
_SCRIPT_MAX = 256 << 10
_SHELLS = frozenset(["sh", "bash", "dash", "ash", "ksh", "zsh"])
_CLEARED = Environment("/bin:/usr/bin", "")
"""What execvp searches where there is no PATH (glibc's confstr _CS_PATH)."""


class Called(NamedTuple):
    """A file that is executed."""

    called_as: PurePosixPath
    found: Found


class End(NamedTuple):
    """A program at which a command ends, with all that decides what is loaded into it."""

    file: ElfFile
    called: Called
    environment: Environment
    python: PythonCall | None = None


class CommandWalk:
    """One command, followed as far as it is literal."""

    def __init__(self, root: Node, environment: Environment, workdir: PurePosixPath | None) -> None:
        self._root = root
        self._environment = environment
        self.workdir = workdir
        self.steps: list[Step] = []
        self.ends: list[End] = []
        self.doubts: list[str] = []
        self.executed: list[ElfFile] = []

    def follow(self, argv: Sequence[str]) -> None:
        """Follow a command from its first word."""
        self._run(tuple(argv), self._environment, "the command", depth=0)

    def locate(self, name: str, environment: Environment) -> Called | None:
        """Find the file that a word names: a path, or a name looked up in PATH."""
        if "/" in name:
            return self.locate_path(name)
        if not is_known(environment.path):
            return None
        for folder in environment.path.split(":"):
            path = PurePosixPath(folder) / name
            found = resolve_file(self._root, path) if folder.startswith("/") else None
            if found is not None and found.node.is_executable:
                return Called(path, found)
        return None

    def locate_path(self, name: str) -> Called | None:
        """Find the file of a path; a relative one starts at the job's working folder."""
        path = PurePosixPath(name)
        if not path.is_absolute():
            if self.workdir is None:
                return None
            path = self.workdir / path
        found = resolve_file(self._root, path)
        return Called(path, found) if found is not None else None

    def _doubt(self, text: str) -> None:
        if text not in self.doubts:
            self.doubts.append(text)

    def _run(
        self, argv: tuple[str, ...], environment: Environment, through: str, *, depth: int
    ) -> None:
        if depth > _DEPTH_MAX or len(self.steps) >= _STEPS_MAX:
            self._doubt(f"{through}: programs call each other more than {_DEPTH_MAX} times deep")
            return
        name = argv[0]
        if UNKNOWN_WORD in name:
            self._doubt(f"{through}: what it runs stands in a variable that is not known")
            return
        try:
            called = self.locate(name, environment)
            head = called.found.node.read_at(0, _SHEBANG_MAX) if called else b""
        except ImageError as exc:
            self._doubt(f"{through}: `{name}`: {exc.message}")
            return
        if called is None:
            self._lose(name, environment, through)
            return
        ident = read_ident(head[:IDENT_SIZE])
        kind: Literal["elf", "script", "unknown"] = "script" if head[:2] == b"#!" else "unknown"
        path = str(called.found.path)
        self.steps.append(
            Step(name=name, path=path, kind="elf" if ident else kind, through=through)
        )
        if ident is not None:
            file = ElfFile(called.found.path, called.found.node, Elf(called.found.node, ident))
            self.executed.append(file)
            self._start(argv, End(file, called, environment), depth=depth)
        elif kind == "script":
            self._interpret(head, argv, called, environment, depth=depth)
        else:
            self._doubt(f"{path} is neither a program nor a script with a first line")

    def _lose(self, name: str, environment: Environment, through: str) -> None:
        """Note a word that leads nowhere."""
        is_by_name = "/" not in name
        if is_by_name and not is_known(environment.path):
            self.steps.append(Step(name=name, path=None, kind="unknown", through=through))
            self._doubt(f"`{name}` ({through}): PATH is set by more than literal lines")
            return
        self.steps.append(Step(name=name, path=None, kind="missing", through=through))
        where = "in no folder of PATH" if is_by_name else "not in the image"
        self._doubt(f"`{name}` ({through}) is {where}")

    def _interpret(
        self,
        head: bytes,
        argv: tuple[str, ...],
        called: Called,
        environment: Environment,
        *,
        depth: int,
    ) -> None:
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
        self._run((*words, str(called.called_as), *argv[1:]), environment, through, depth=depth + 1)

    def _start(self, argv: tuple[str, ...], end: End, *, depth: int) -> None:
        """Go on behind a program that runs another, or end with it."""
        name = PurePosixPath(argv[0]).name
        real = end.file.path.name
        row = wrappers().by_name(name)
        if name in _SHELLS or (real in _SHELLS and real == name):
            self._shell(argv, end, depth=depth)
        elif row is not None:
            self._wrap(row, argv, end, depth=depth)
        elif name.startswith(("python", "pypy")) and is_interpreter(name):
            self._python(argv, end)
        else:
            if is_interpreter(name) or is_interpreter(real):
                self._doubt(f"{end.file.path} runs or loads what is not followed")
            self.ends.append(end)

    def _wrap(self, row: Wrapper, argv: tuple[str, ...], end: End, *, depth: int) -> None:
        name = argv[0]
        words = list(argv[1:])
        environment = end.environment
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
        self._run(tuple(rest), environment, f"`{name}`", depth=depth + 1)

    def _shell(self, argv: tuple[str, ...], end: End, *, depth: int) -> None:
        """Follow a shell to its script, or to the text behind -c."""
        call = read_shell_call(argv[1:])
        if call is None:
            self._doubt(f"`{argv[0]}` is called with options that are not known")
            return
        environment = UNKNOWN_ENVIRONMENT if call.reads_profiles else end.environment
        known = environment.variables(unknown=UNKNOWN_WORD)
        if call.kind == "text":
            # Behind the text comes what is $0 in it.
            name, args = (call.args[0], call.args[1:]) if call.args else (argv[0], ())
            commands = read_shell(call.what, name=name, args=args, variables=known)
            self._commands(commands, f"`{argv[0]} -c`", environment, depth=depth)
            return
        called = self.locate_path(call.what) if call.kind == "file" else None
        if called is None:
            self._doubt(f"`{argv[0]}` reads a script that is not in the image")
            return
        path = str(called.found.path)
        if self.steps[-1].through != f"first line of {path}":
            step = Step(name=call.what, path=path, kind="script", through=f"`{argv[0]}`")
            self.steps.append(step)
        text = read_text(called.found.node, limit=_SCRIPT_MAX)
        name = str(called.called_as)
        commands = read_shell(text, name=name, args=call.args, variables=known)
        self._commands(commands, path, environment, depth=depth)

    def _commands(
        self,
        commands: Iterable[ShellCommand | ShellDoubt],
        where: str,
        environment: Environment,
        *,
        depth: int,
    ) -> None:
        for found in commands:
            through = f"line {found.line} of {where}"
            if isinstance(found, ShellDoubt):
                self._doubt(f"{through}: {found.what}")
                continue
            settings = {
                key: UNKNOWN if UNKNOWN_WORD in value else value
                for key, value in found.settings.items()
            }
            self._run_word(found.words, environment.with_settings(settings), through, depth=depth)

    def _run_word(
        self, words: tuple[str, ...], environment: Environment, through: str, *, depth: int
    ) -> None:
        """Run a command of a script; `exec` and `command` are the shell's own."""
        while words and words[0] in ("exec", "command", "builtin"):
            words = words[1:]
        if words and words[0].startswith("-"):
            self._doubt(f"{through}: `exec` or `command` with options")
        elif words:
            self._run(words, environment, through, depth=depth + 1)

    def _python(self, argv: tuple[str, ...], end: End) -> None:
        call = read_python_call(argv[1:])
        if call is None or UNKNOWN_WORD in call.what:
            self._doubt(f"`{argv[0]}` is called with options that are not known")
            call = None
        self.ends.append(end._replace(python=unwrap_module(call) if call else None))
