"""An sbatch script → a Job, with the place of each value in the script; does not plan or run it.

Of several container steps the one with the most tasks is the job.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from hpcrun.errors import InputError
from hpcrun.loading.job_file import job_values
from hpcrun.loading.job_shape import JOB
from hpcrun.loading.positions import Positions
from hpcrun.loading.problems import Problems
from hpcrun.loading.reader import make_value, positions_of, read_values
from hpcrun.loading.shapes import Reading
from hpcrun.loading.source import Source, Span
from hpcrun.model.diagnostic import Diagnostic, Severity
from hpcrun.model.job import Job
from hpcrun.sbatch.container import Container
from hpcrun.sbatch.directives import Header, read_header
from hpcrun.sbatch.draft import Draft
from hpcrun.sbatch.inner import unwrap_launcher
from hpcrun.sbatch.options import Given, Options, read_options
from hpcrun.sbatch.places import Word, beside, finding, line_span
from hpcrun.sbatch.resources import Resources, job_name
from hpcrun.sbatch.secrets import is_secret
from hpcrun.sbatch.source import check_source, read_script_source, without_line_ends
from hpcrun.sbatch.srun_options import put_srun_options
from hpcrun.sbatch.steps import Body, Step, read_body
from hpcrun.tables.script_words import script_words

_MOVES = re.compile(
    r"^[ \t]*(?:cd|pushd)\b(?![ \t]+\"?\$\{?SLURM_SUBMIT_DIR\}?\"?[ \t]*(?:$|[;#&|]))", re.MULTILINE
)
"""Whether the script leaves the folder where it was submitted."""


_FURTHER_PARTS = ("hetjob", "packjob")
"""Words that begin another part of a heterogeneous job (sbatch(1))."""


_INPUT = re.compile(r"(?<![<0-9&$(])<(?![<&(])[ \t]*[^ \t;|&<>()'\"]+")


class ScriptJob(NamedTuple):
    """A script, and the job that was read from it."""

    source: Source
    header: Options
    body: Body
    step: Step
    """The container step that is the job."""
    draft: Draft
    job: Job
    positions: Positions
    found: tuple[Diagnostic, ...]
    """What is to be said of the script by itself."""


def read_job(path: Path, environment: Mapping[str, str] | None = None) -> ScriptJob:
    """Read a script; where no job can be made of it, all reasons come as one error.

    Args:
        environment: of who submits it; only names of folders are taken from it.
    """
    source = read_script_source(path)
    faults = [*check_source(source)]
    source = without_line_ends(source)
    header = read_header(source)
    options = _read_header_options(header)
    faults += [*header.found, *options.found]
    folder = _folder(source, options)
    known = _known(source, options, folder, environment or {})
    body = read_body(source, known)
    draft = Draft(source)
    for fault in sorted(faults, key=lambda each: each.severity is not Severity.ERROR):
        draft.tell(fault)
    step = _choose(body, options)
    if step is None:
        draft.tell(_no_step(source, body, header))
        _refuse(source, draft)
    step = unwrap_launcher(step, options, draft)
    _put(draft, options, body, step, folder)
    if any(each.severity is Severity.ERROR and each.code == "HPR826" for each in draft.found):
        _refuse(source, draft)
    job, positions = _make(draft, step)
    return ScriptJob(source, options, body, step, draft, job, positions, tuple(draft.found))


def _refuse(source: Source, draft: Draft) -> NoReturn:
    errors = tuple(draft.found)
    raise InputError(f"cannot make a job of `{source.shown}`", diagnostics=errors)


def _read_header_options(header: Header) -> Options:
    """Read all options, also behind a word that is none, where sbatch stops."""
    given, found = list[Given](), list[Diagnostic]()
    words: Sequence[Word] = header.words
    while words:
        options = read_options(words, "sbatch")
        given += options.given
        found += options.found
        words = options.rest[1:]
        for word in options.rest[:1]:
            if word.text in _FURTHER_PARTS:
                message = "a job has one part: what follows is not carried over"
                found.append(finding("HPR828", message, word.span, found=(f"`{word.text}`",)))
                return Options(tuple(given), (), tuple(found))
            message = "sbatch does not take words without dashes on an #SBATCH line"
            found.append(finding("HPR822", message, word.span, found=(f"`{word.text[:80]}`",)))
    return Options(tuple(given), (), tuple(found))


def _folder(source: Source, options: Options) -> str:
    """Return where the job works: as the script says, else its own folder."""
    own = os.path.abspath(source.path.parent)  # noqa: PTH100  links stay as they are
    chdir = options.last("chdir")
    return os.path.normpath(os.path.join(own, chdir.value or ".")) if chdir else own  # noqa: PTH118


def _known(
    source: Source, options: Options, folder: str, environment: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables that hold when the script starts, as far as they are sure."""
    known = {n: v for n, v in environment.items() if _is_folder(n, v)}
    known.pop("PWD", None)
    known.pop("OLDPWD", None)
    by_option = {
        "ntasks": ("SLURM_NTASKS", "SLURM_NPROCS"),
        "nodes": ("SLURM_NNODES", "SLURM_JOB_NUM_NODES"),
        "cpus-per-task": ("SLURM_CPUS_PER_TASK",),
        "ntasks-per-node": ("SLURM_NTASKS_PER_NODE",),
        "job-name": ("SLURM_JOB_NAME",),
    }
    for option, names in by_option.items():
        given = options.last(option)
        if given is not None and given.value and (option == "job-name" or given.value.isdecimal()):
            known |= dict.fromkeys(names, given.value)
    known["SLURM_SUBMIT_DIR"] = own = os.path.abspath(source.path.parent)  # noqa: PTH100
    moves = _MOVES.search(source.text) or (folder != own and "SLURM_SUBMIT_DIR" in source.text)
    if not moves:
        known["PWD"] = folder
    return known


def _is_folder(name: str, value: str) -> bool:
    """Whether a variable may name a folder, or who it is of, and is no secret that looks so."""
    is_fit = value.startswith("/") or name in ("USER", "LOGNAME")
    return is_fit and ":" not in value and value.isprintable() and not is_secret(name)


def _choose(body: Body, options: Options) -> Step | None:
    """Return the step with the most tasks; of equal ones the first."""
    steps = [step for step in body.steps if step.call.image is not None]
    return max(steps, key=lambda step: n_tasks(step, options), default=None)


def n_tasks(step: Step, options: Options) -> int:
    """Return how many ranks a step starts."""
    if step.launch is None:
        return 1
    nodes = _number(step.launch.last("nodes") or options.last("nodes")) or 1
    own, each = step.launch.tasks, step.launch.tasks_per_node
    if own is None and each is None:
        own = options.last("ntasks")
        each = options.last("ntasks-per-node", "tasks-per-node")
    return _number(own) or (_number(each) or 1) * nodes


def _number(given: object) -> int | None:
    value = getattr(given, "value", None) or ""
    match = re.match(r"[0-9]{1,9}", value)
    return int(match[0]) if match else None


def _no_step(source: Source, body: Body, header: Header) -> Diagnostic:
    """Say that no container is started, with what came nearest."""
    span = line_span(source, min(header.end, len(source.lines)))
    found = [
        f"{each.words[0].text} starts `{each.plugin}`" for each in body.launched if each.plugin
    ]
    if not found:
        found = [
            f"line {each.words[0].span.line} starts `{each.words[1].text}`"
            for each in body.launched[:3]
            if len(each.words) > 1
        ]
    found += [f"line {at.line}: {what}" for at, what in body.doubts[:3]]
    if body.launched:
        span = body.launched[0].words[0].span
    message = "no command of the script starts a container by apptainer or singularity"
    return finding("HPR824", message, span, found=found or ("no such command in any line",))


def _put(draft: Draft, options: Options, body: Body, step: Step, folder: str) -> None:
    """Put the whole job into the draft."""
    span = step.span
    draft.put("version", "1", span)
    draft.put("name", job_name(draft.source.path.stem) or "job", span)
    Resources(draft, options, step).put()
    Container(draft, step, folder).put()
    if step.launch is not None:
        put_srun_options(draft, step.launch)
    if step.folder is None:
        why = "the script goes to a folder that is not written in it"
        draft.lose("the working folder", span, why=why)
    elif step.folder:
        whole = os.path.normpath(os.path.join(folder, step.folder))  # noqa: PTH118
        draft.put("workdir", beside(draft.source, whole), span)
    _lose_steps(draft, body, step, options)
    _lose_modules(draft, body)
    _lose_others(draft, body, step)


def _lose_steps(draft: Draft, body: Body, chosen: Step, options: Options) -> None:
    """Report steps that are not the job."""
    for step in body.steps:
        if step.span.line == chosen.span.line or step.call.image is None:
            continue
        count = n_tasks(step, options)
        ranks = "1 task" if count == 1 else f"{count} tasks"
        message = f"this container step with {ranks} is not carried over: a job has one"
        found = (f"the job is the step in line {chosen.span.line}",)
        draft.tell(finding("HPR827", message, step.span, found=found))


def _lose_others(draft: Draft, body: Body, step: Step) -> None:
    """Report further commands, which the step may need, and what it reads as its input."""
    others = list(dict.fromkeys(body.others))
    if others:
        count = "1 command" if len(others) == 1 else f"{len(others)} commands"
        message = f"{count} beside the container step not carried over"
        found = [f"line {other.span.line}: `{other.name}`" for other in others[:6]]
        draft.tell(finding("HPR828", message, others[0].span, found=found))
    last = step.span.line
    while draft.source.lines[last - 1 : last] and draft.source.lines[last - 1].endswith("\\"):
        last += 1
    for number in range(step.span.line, min(last, step.span.line + 60) + 1):
        line = draft.source.lines[number - 1] if number <= len(draft.source.lines) else ""
        match = _INPUT.search(line)
        if match is not None:
            span = draft.source.span(number, match.start() + 1, len(match[0]))
            why = "the ranks of a job read no input; let the program open the file"
            draft.lose(match[0], span, why=why)


def _lose_modules(draft: Draft, body: Body) -> None:
    """Report modules: hpcrun's job loads none, so what they set does not reach the container."""
    by_line: dict[int, list[Word]] = {}
    for word in body.modules:
        row = script_words().container_module(word.text)
        if row is not None:
            why = f"it {row.what}; hpcrun does so itself where it chooses the bind model"
            draft.note(f"module {word.text}", word.span, why=why)
        elif re.match(r"(?:tacc-)?(?:apptainer|singularity)\b", word.text, re.IGNORECASE):
            why = "the profile of the site says how its runtime is called"
            draft.note(f"module {word.text}", word.span, why=why)
        else:
            by_line.setdefault(word.span.line, []).append(word)
    for words in by_line.values():
        why = "the container has its own programs; what modules set is not passed on"
        draft.note(f"module load {' '.join(w.text for w in words)}", words[0].span, why=why)
    for span, what in body.doubts:
        message = f"what this line sets is not known: {what}"
        draft.tell(finding("HPR825", message[:90], span, found=(what,)))


def _make(draft: Draft, step: Step) -> tuple[Job, Positions]:
    """Make the job by the shapes that job files are read by."""
    problems = Problems()
    values, reading = read_values(draft.tree(), JOB, draft.source, problems)
    if len(problems):
        draft.found += problems.diagnostics()
        _refuse(draft.source, draft)
    file = Path(os.path.abspath(draft.source.path))  # noqa: PTH100
    job = make_value(Job, job_values(values, file), source=draft.source, reading=reading)
    _place_the_rest(reading, step)
    return job, positions_of(reading, [file], source=draft.source)


def _place_the_rest(reading: Reading, step: Step) -> None:
    """Give keys that the script does not speak of the place of what decides them there."""
    launcher = step.launch.name.span if step.launch is not None else step.call.runtime.span
    places: dict[str, Span] = dict.fromkeys(JOB.fields, step.span) | {"mpi": launcher}
    if step.call.image is not None:
        places |= {"image": step.call.image.span, "execution": step.call.image.span}
    for name, span in places.items():
        reading.value_spans.setdefault(name, span)
