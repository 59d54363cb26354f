"""A call of the runtime → image, command, mounts and env of a job; does not look at files."""

import csv
import os
import re
import shlex
from collections.abc import Iterator, Mapping

from hpcrun.loading.nodes import Scalar
from hpcrun.loading.source import Span
from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.sbatch.assignments import set_before
from hpcrun.sbatch.draft import Draft
from hpcrun.sbatch.mounts import AskedMount, read_bind, read_mount
from hpcrun.sbatch.places import Word, beside, finding
from hpcrun.sbatch.steps import Step
from hpcrun.sbatch.variables import put_variable
from hpcrun.shell.words import UNKNOWN_WORD, unquoted
from hpcrun.tables.runtime_options import Meaning
from hpcrun.tables.script_words import script_words

_RUNSCRIPT = "/.singularity.d/runscript"
"""What `run` starts: a SIF has it whatever it was made from (Apptainer 1.4, internal/pkg/build)."""
_ENV_PREFIX = re.compile(r"(?:APPTAINER|SINGULARITY)ENV_(.+)")
_ASKED_MAX = 500
_HOST_ONLY = frozenset(("OLDPWD", "SHLVL", "_"))
_OF_THE_LAUNCHER = re.compile(r"SLURM_.*|SBATCH_.*|SRUN_.*")
_WHERE = re.compile(r"\$\{?(SLURM_\w+)")
_OF_THE_SHELL = re.compile(r"\$(?:\{[#!]?[0-9@*#?$!-]|[0-9@*#?$!-]|\{\w+\[|['\"])")
"""What only the script's own shell has: its arguments, its arrays, how the last command ended."""
_COMMAND = re.compile(r"\$\(|`|\A~")
_REFERENCE = re.compile(r"\$\{?([A-Za-z_]\w*)")


class Container:
    """Puts what a step runs, and where, into a draft."""

    def __init__(self, draft: Draft, step: Step, workdir: str) -> None:
        self._draft = draft
        self._step = step
        self._workdir = workdir
        self._folder: Word | None = None
        self._n_asked = 0

    def put(self) -> None:
        """Put everything."""
        self._image()
        if self._step.call.unknown is not None:
            word = self._step.call.unknown
            why = "the runtime has no such option, as far as is known"
            self._draft.lose(word.text, word.span, why=why)
        self._environment()
        for meaning, text, span in self._asked():
            self._option(meaning, text, span)
        self._command()

    def _image(self) -> None:
        image = self._step.call.image
        if image is None:
            return
        if UNKNOWN_WORD in image.text:
            self._draft.tell(_unknown("the image", self._step.raw_image, image, Severity.ERROR))
            return
        text = image.text
        for scheme in ("docker-daemon:", "oci:", "docker-archive:", "oci-archive:"):
            text = text.removeprefix(scheme)
        self._draft.put("image", self._path(text), image.span)

    def _path(self, text: str) -> str:
        """Return a host path as a job file beside the script would write it."""
        if "://" in text:
            return text
        whole = os.path.normpath(os.path.join(self._workdir, self._step.folder or "", text))  # noqa: PTH118
        return beside(self._draft.source, whole)

    def _asked(self) -> Iterator[tuple[Meaning, str, Span]]:
        """Yield what is asked of the runtime, by options or by variables."""
        for given in self._step.call.options:
            text = given.shown if given.means in _WITHOUT_VALUE else given.value or ""
            yield given.means, text, given.word.span
        for name, value in self._step.settings.items():
            row = script_words().runtime_variable(name)
            if row is not None and not _ENV_PREFIX.fullmatch(name):
                shown = f"{name}={value}".replace(UNKNOWN_WORD, "…")
                text = shown if row.means in _WITHOUT_VALUE else value
                yield row.means, text, self._place_of(name)

    def _place_of(self, name: str) -> Span:
        """Find where a variable is set: the last line before the step that does."""
        return set_before(self._draft.source, name, self._step.line) or self._step.span

    def _option(self, meaning: Meaning, text: str, span: Span) -> None:
        match meaning:
            case "bind" | "mount":
                asked = read_bind(text) if meaning == "bind" else read_mount(text)
                for mount in asked:
                    self._mount(mount, span)
            case "env":
                for name, value in _pairs(text):
                    self._variable(name, value, span)
            case "folder":
                self._folder = Word(text, span)
            case "gpu":
                self._gpu(text, span)
            case "lost":
                self._draft.lose(text, span, why="a job has no key for it")
            case _:
                # What keeps the host out changes nothing: a job's ranks never see more of it.
                pass

    def _gpu(self, text: str, span: Span) -> None:
        if not self._draft.has("resources.gpus_per_node"):
            self._draft.note(text, span, why="the script asks Slurm for no GPUs")

    def _is_full(self, span: Span) -> bool:
        """Whether more mounts and variables are asked for than anybody would write."""
        self._n_asked += 1
        if self._n_asked == _ASKED_MAX:
            self._draft.lose(
                "what follows", span, why=f"{_ASKED_MAX} mounts and variables are read"
            )
        return self._n_asked >= _ASKED_MAX

    def _mount(self, asked: AskedMount, span: Span) -> None:
        if self._is_full(span):
            return
        shown = asked.shown.replace(UNKNOWN_WORD, "$…")
        if UNKNOWN_WORD in asked.host + asked.container:
            self._draft.lose(shown, span, why="it holds a variable that the script does not set")
            return
        if asked.problem is not None:
            self._draft.lose(shown, span, why=asked.problem)
            return
        row = script_words().host_part(asked.host)
        if row is not None:
            why = "hpcrun mounts what it needs of the host where it chooses the bind model"
            self._draft.note(shown, span, why=why)
            return
        host = self._path(asked.host)
        own = os.path.abspath(self._draft.source.path.parent)  # noqa: PTH100
        asked_at = os.path.normpath(os.path.join(own, host))  # noqa: PTH118
        container = asked.container or asked_at
        here = os.path.normpath(os.path.join(self._workdir, self._step.folder or ""))  # noqa: PTH118
        if container == asked_at and asked_at == here:
            return
        mounts = self._draft.values.setdefault("mounts", [])
        text = self._draft.text
        made = {"host": text(host, span), "container": text(container, span)}
        if asked.is_read_only:
            made["mode"] = text("ro", span)
        if not any(_same(made, other) for other in mounts):
            mounts.append(made)

    def _environment(self) -> None:
        """Put exported variables: those with the runtime's prefix, and those that it lets in."""
        step = self._step
        is_clean = any(given.means in ("cleanenv", "containall") for given in step.call.options)
        launched = step.launch.env if step.launch is not None else {}
        values = {
            **({} if is_clean else step.settings),
            **{name: word.text for name, word in launched.items()},
        }
        for name, value in values.items():
            if script_words().runtime_variable(name) or name in _HOST_ONLY:
                continue
            leak = script_words().leak(name)
            is_ours = _OF_THE_LAUNCHER.fullmatch(name) is not None
            if not _ENV_PREFIX.fullmatch(name) and not is_ours and (leak is None or leak.reaches):
                self._variable(name, value, self._place_of(name))
        for name, value in step.settings.items():
            match = _ENV_PREFIX.fullmatch(name)
            if match is not None:
                self._variable(match[1], value, self._place_of(name))

    def _variable(self, name: str, value: str, span: Span) -> None:
        if not self._is_full(span):
            put_variable(self._draft, name, value, span)

    def _command(self) -> None:
        """Put the command; as a script where it needs a shell."""
        call, step = self._step.call, self._step
        argv = call.argv
        if call.verb == "run":
            image = call.image or call.runtime
            argv = (Word(_RUNSCRIPT, image.span), *argv)
        if not argv:
            return
        folder = self._starts_elsewhere()
        pairs = [*zip([*[""] * (len(argv) - len(step.raw)), *step.raw], argv, strict=True)]
        lost = [pair for pair in pairs if _is_left_to_shell(*pair)]
        if not lost and folder is None:
            self._draft.put_words("command", argv)
            return
        lines = [f"cd {shlex.quote(folder.text)}"] if folder is not None else []
        for text, word in lost:
            lines += self._guards(text, word)
        words = (raw if (raw, word) in lost else shlex.quote(word.text) for raw, word in pairs)
        lines.append("exec " + " ".join(words))
        self._draft.put("script", "\n".join(dict.fromkeys(lines)) + "\n", argv[0].span)

    def _starts_elsewhere(self) -> Word | None:
        """Return the folder in the container where the program starts, if it is another one."""
        word = self._folder
        if word is None or word.text in (self._workdir, "."):
            return None
        if UNKNOWN_WORD in word.text:
            self._draft.lose("the program's folder", word.span, why="it stands in a variable")
            return None
        return word

    def _guards(self, raw: str, word: Word) -> Iterator[str]:
        """Yield lines that stop the job where a variable is not there; tell of such a word."""
        is_lost = not raw or UNKNOWN_WORD in raw or _OF_THE_SHELL.search(raw) is not None
        names = [name for name in _REFERENCE.findall(raw) if not _WHERE.match(f"${name}")]
        if is_lost or names or UNKNOWN_WORD not in word.text or _COMMAND.search(raw):
            severity = Severity.ERROR if is_lost else None
            self._draft.tell(_unknown("a word of the command", raw, word, severity))
        for name in dict.fromkeys(names):
            yield f': "${{{name}:?the sbatch script does not tell it}}"'


_WITHOUT_VALUE = frozenset(("lost", "gpu", "cleanenv", "contain", "containall", "harmless"))


def _is_left_to_shell(raw: str, word: Word) -> bool:
    """Whether a shell works out what a word comes to; of patterns it makes names of files."""
    if UNKNOWN_WORD in word.text:
        return True
    text = unquoted(raw, word.text)
    is_list = "{" in text and ("," in text or ".." in text)
    return is_list or "*" in text or "?" in text or ("[" in text and "]" in text)


def _unknown(what: str, raw: str, word: Word, severity: Severity | None) -> Diagnostic:
    shown = (raw or word.text).replace(UNKNOWN_WORD, "$…")
    names = dict.fromkeys(_REFERENCE.findall(raw))
    found = [f"`{shown[:80]}`", *(f"the script does not tell `${name}`" for name in names)]
    message = f"cannot tell {what}: it rests on what only a run of the script shows"
    return finding("HPR826", message, word.span, found=found[:4], severity=severity)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Read `NAME=value,NAME=value` as pflag does: quotes as in CSV."""
    try:
        parts = next(csv.reader([text]), [])
    except csv.Error:
        parts = [text]
    for part in parts:
        name, _, value = part.partition("=")
        yield name, value


def _same(one: Mapping[str, Scalar], other: Mapping[str, Scalar]) -> bool:
    return {k: v.text for k, v in one.items()} == {k: v.text for k, v in other.items()}
