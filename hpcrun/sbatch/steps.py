"""The container steps of a script: every command that starts a container; follows, runs nothing."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from hpcrun.loading.source import Source, Span
from hpcrun.sbatch.launch import Launch, Launched, is_launcher, read_launch
from hpcrun.sbatch.places import Placer, Word, finding, line_span
from hpcrun.sbatch.runtime_call import RUNTIMES, Fetch, RuntimeCall, read_runtime_call
from hpcrun.shell.call import read_shell_call
from hpcrun.shell.found import Manner, ShellCommand, ShellDoubt
from hpcrun.shell.reader import read_shell
from hpcrun.tables.wrappers import options_end, wrappers

_PLAIN = frozenset(("module", "ml", "trap", "conda", "mamba", "micromamba", "spack", "alias"))
"""They change the environment or wait for signals; variables of the script stay as they are."""
_TOLD_MAX = 500
_INSTANCE = "instance://"
"""Names a container that runs already, and no image."""
_DEPTH_MAX = 3
_INNER_MAX = 4
"""Texts behind `bash -c` that are read, each of which may be made to take a second."""
_SHELLS = frozenset(("sh", "bash", "dash", "ksh", "zsh"))
_TELLING = frozenset(
    (
        *("date", "hostname", "ls", "env", "printenv", "cat", "nproc", "lscpu", "df", "free", "id"),
        *("whoami", "uname", "which", "command", "squeue", "sacct", "sstat", "seff", "scontrol"),
        *("nvidia-smi", "rocm-smi", "numactl", "ldd", "file", "tee", "grep", "head", "tail", "sed"),
        *("awk", "sort", "wc", "tr", "cut", "basename", "dirname", "realpath", "readlink", "seq"),
    )
)
"""Commands that tell something: nobody misses them where they do not run."""
_NAME = f"/{chr(0)}/job"
"""What `$0` is: Slurm runs a copy of the script, in a folder of its own."""


class Step(NamedTuple):
    """One command that starts a container."""

    span: Span
    launch: Launch | None
    call: RuntimeCall
    settings: Mapping[str, str]
    """Exported variables that hold there."""
    folder: str | None
    """As the shell reader says it: empty where the script began, None where not known."""
    raw: tuple[str, ...] = ()
    """The words of the command as they stand in the script."""
    raw_image: str = ""

    @property
    def line(self) -> int:
        """Where it begins."""
        return self.span.line


class Other(NamedTuple):
    """A command that starts no container and may do something that the step needs."""

    span: Span
    name: str


class Unread(NamedTuple):
    """A launched command that is no container, as far as can be seen."""

    words: tuple[Word, ...]
    plugin: str | None = None


class Body(NamedTuple):
    """What a script runs."""

    steps: tuple[Step, ...] = ()
    modules: tuple[Word, ...] = ()
    fetches: tuple[Fetch, ...] = ()
    launched: tuple[Unread, ...] = ()
    doubts: tuple[tuple[Span, str], ...] = ()
    others: tuple[Other, ...] = ()


def read_body(source: Source, known: Mapping[str, str]) -> Body:
    """Read the commands of a script.

    Args:
        known: variables that hold when it begins.
    """
    walk = _Walk(source, known)
    walk.script(source.text, line=0)
    return Body(
        tuple(walk.steps),
        tuple(walk.modules),
        tuple(walk.fetches),
        tuple(walk.launched),
        tuple(walk.doubts),
        tuple(walk.others),
    )


class _Walk:
    """One script, command by command."""

    def __init__(self, source: Source, known: Mapping[str, str]) -> None:
        self._source = source
        self._known = dict(known)
        self._placer = Placer(source)
        self._n_inner = 0
        self.steps: list[Step] = []
        self.modules: list[Word] = []
        self.fetches: list[Fetch] = []
        self.launched: list[Unread] = []
        self.doubts: list[tuple[Span, str]] = []
        self.others: list[Other] = []

    def script(self, text: str, *, line: int, depth: int = 0, launch: Launch | None = None) -> None:
        """Read a text of commands; one inside a word stands in some line of the script."""
        manner = Manner(plain=_PLAIN, lasting=self._known, n_most=_TOLD_MAX)
        # The shell's own answer is the folder that is known by this name.
        text = text.replace("$(pwd)", "${PWD}").replace("`pwd`", "${PWD}")
        for found in read_shell(text, name=_NAME, args=(), variables=self._known, manner=manner):
            at = line or found.line
            if isinstance(found, ShellDoubt):
                self.doubts.append((line_span(self._source, at), found.what))
                continue
            self._command(found, at, depth=depth, launch=launch)

    def _command(
        self, found: ShellCommand, line: int, *, depth: int, launch: Launch | None
    ) -> None:
        words = self._placer.place(line, found.words)
        settings = {k: v for k, v in found.settings.items() if self._known.get(k) != v}
        if words[0].text in ("module", "ml"):
            self.modules += _modules(words)
            return
        words = tuple(_unwrapped(words, settings))
        if words and is_launcher(words[0].text):
            inner = read_launch(words)
            launch, command = _first_part(inner)
            n_further = len(inner.command) - len(command)
            found = found._replace(raw=found.raw[: len(found.raw) - n_further])
            words = tuple(_unwrapped(command, settings))
            if not words or PurePosixPath(words[0].text).name not in (*RUNTIMES, *_SHELLS):
                self.launched.append(Unread((launch.name, *words), _plugin(launch)))
                return
        if words:
            at = found._replace(line=line, settings=settings)
            self._plain(words, at, depth=depth, launch=launch)

    def _plain(
        self, words: tuple[Word, ...], found: ShellCommand, *, depth: int, launch: Launch | None
    ) -> None:
        """Read a command behind its launcher and whatever else starts it."""
        name = PurePosixPath(words[0].text).name
        if name in RUNTIMES:
            self._runtime(words, found, launch)
            return
        is_shell = name in _SHELLS and depth < _DEPTH_MAX and self._n_inner < _INNER_MAX
        call = read_shell_call([word.text for word in words[1:]]) if is_shell else None
        if call is not None and call.kind == "text":
            self._n_inner += 1
            self.script(call.what, line=found.line, depth=depth + 1, launch=launch)
        elif name not in _TELLING and name not in _PLAIN:
            self.others.append(Other(line_span(self._source, found.line), name))

    def _runtime(self, words: tuple[Word, ...], found: ShellCommand, launch: Launch | None) -> None:
        call = read_runtime_call(words)
        if isinstance(call, RuntimeCall) and call.image and call.image.text.startswith(_INSTANCE):
            self.launched.append(Unread(words))
            return
        if isinstance(call, Fetch):
            self.fetches.append(call)
        elif call is not None:
            span = line_span(self._source, found.line)
            at = len(found.raw) - len(call.argv)
            raw_image = found.raw[at - 1] if call.image is not None else ""
            step = Step(span, launch, call, found.settings, found.folder, found.raw[at:], raw_image)
            self.steps.append(step)


def _unwrapped(words: Sequence[Word], settings: dict[str, str]) -> Sequence[Word]:
    """Go behind programs that start the one named behind them, such as env, time and numactl."""
    while words:
        row = wrappers().by_name(PurePosixPath(words[0].text).name)
        if row is None or row.starts_ranks:
            return words
        rest = [word.text for word in words[1:]]
        at = options_end(rest, values=row.values, flags=(*row.flags, *row.empties))
        if at is None:
            return words
        words = words[1 + at + row.before :]
        while row.sets and words and "=" in words[0].text:
            name, _, value = words[0].text.partition("=")
            settings[name] = value
            words = words[1:]
    return words


def _first_part(launched: Launched) -> tuple[Launch, tuple[Word, ...]]:
    """Return launcher and command without further programs behind `:`."""
    launch, command = launched
    at = next((n for n, word in enumerate(command) if word.text == ":"), None)
    if at is None:
        return launch, command
    message = "what stands behind `:` is not carried over: a job has one program"
    shown = " ".join(word.text for word in command[at + 1 :])
    found = finding("HPR827", message, command[at].span, found=(f"`{shown[:80]}`",))
    return launch._replace(found=(*launch.found, found)), command[:at]


def _plugin(launch: Launch) -> str | None:
    """Return the option by which a plugin of Slurm starts the container itself."""
    row = launch.last("container-image", "environment", "container")
    return row.shown if row is not None else None


def _modules(words: Sequence[Word]) -> Iterator[Word]:
    """Yield the modules that a command loads."""
    rest = list(words[1:])
    if words[0].text == "module":
        if not rest or rest[0].text not in ("load", "add", "try-load"):
            return
        rest = rest[1:]
    elif rest and rest[0].text in ("load", "add", "try-load"):
        rest = rest[1:]
    yield from (word for word in rest if word.text[:1] not in ("-", "") and word.text != "purge")
