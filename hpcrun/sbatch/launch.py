"""The command line of a launcher → how many ranks it starts, and by what; starts nothing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from hpcrun.model.diagnostic import Diagnostic
from hpcrun.sbatch.options import Given, read_options
from hpcrun.sbatch.places import Word
from hpcrun.tables.wrappers import Wrapper, wrappers

Kind = Literal["srun", "mpirun"]
_TASKS = frozenset(("-n", "-np", "--np", "-c"))
_PER_NODE = frozenset(("-ppn", "--ppn", "-npernode", "--npernode", "-N"))
_TWO = frozenset(("--mca", "-mca", "--prtemca", "--pmixmca", "-genv", "-env"))
_PREFIXES = {"--mca": "OMPI_MCA_", "-mca": "OMPI_MCA_", "--prtemca": "PRTE_MCA_"}
_OWN_LAUNCHERS = frozenset(("ibrun", "aprun", "jsrun"))
"""Launchers of single sites; their options are not read."""


class Launch(NamedTuple):
    """What starts the ranks of a step."""

    kind: Kind
    name: Word
    given: tuple[Given, ...] = ()
    """Options of srun."""
    tasks: Given | None = None
    tasks_per_node: Given | None = None
    env: Mapping[str, Word] = {}
    """Variables that the launcher sets."""
    unread: tuple[Word, ...] = ()
    """Options that say nothing a job could carry."""
    found: tuple[Diagnostic, ...] = ()

    def last(self, *names: str) -> Given | None:
        """Return the option of srun of these names that counts."""
        return next((each for each in reversed(self.given) if each.name in names), None)

    @property
    def is_srun(self) -> bool:
        """Whether Slurm itself starts the ranks."""
        return self.kind == "srun"


class Launched(NamedTuple):
    """A launcher, and the command that it starts."""

    launch: Launch
    command: tuple[Word, ...]


def is_launcher(name: str) -> bool:
    """Whether a word names a program that starts ranks."""
    base = PurePosixPath(name).name
    row = wrappers().by_name(base)
    return base == "srun" or base in _OWN_LAUNCHERS or (row is not None and row.starts_ranks)


def read_launch(words: Sequence[Word]) -> Launched:
    """Read a command whose first word is a launcher."""
    base = PurePosixPath(words[0].text).name
    if base == "srun":
        return _srun(words)
    row = wrappers().by_name(base)
    return _mpirun(words, row)


def _srun(words: Sequence[Word]) -> Launched:
    options = read_options(words[1:], "srun")
    launch = Launch(
        kind="srun",
        name=words[0],
        given=options.given,
        tasks=options.last("ntasks"),
        tasks_per_node=options.last("ntasks-per-node", "tasks-per-node"),
        found=options.found,
    )
    return Launched(launch, options.rest)


def _mpirun(words: Sequence[Word], row: Wrapper | None) -> Launched:
    """Read the options of mpirun and mpiexec of any implementation, up to the first word."""
    at, pairs = 1, list[tuple[Word, tuple[Word, ...]]]()
    while at < len(words) and words[at].text.startswith("-"):
        n_values = _n_values(words[at].text, row)
        pairs.append((words[at], tuple(words[at + 1 : at + 1 + n_values])))
        at += 1 + n_values
    launch = Launch(
        kind="mpirun",
        name=words[0],
        tasks=_last_number(pairs, _TASKS),
        tasks_per_node=_last_number(pairs, _PER_NODE) or _mapped(pairs),
        env=dict(_variables(pairs)),
        unread=tuple(_with_values(*pair) for pair in pairs if not _is_read(*pair)),
    )
    return Launched(launch, tuple(words[at:]))


def _is_read(word: Word, values: tuple[Word, ...]) -> bool:
    is_variable = word.text == "-x" and bool(values) and "=" in values[0].text
    return is_variable or word.text in _TASKS | _PER_NODE | _TWO


def _with_values(word: Word, values: tuple[Word, ...]) -> Word:
    return Word(" ".join((word.text, *(each.text for each in values))), word.span)


def _n_values(option: str, row: Wrapper | None) -> int:
    if option in _TASKS | _PER_NODE:
        return 1
    if option in _TWO:
        return 2
    if row is None or "=" in option:
        return 0
    return row.values.get(option, 0)


def _last_number(
    pairs: Iterable[tuple[Word, tuple[Word, ...]]], names: frozenset[str]
) -> Given | None:
    found = [
        Given("ntasks", values[0].text, word.span)
        for word, values in pairs
        if word.text in names and values
    ]
    return found[-1] if found else None


def _mapped(pairs: Iterable[tuple[Word, tuple[Word, ...]]]) -> Given | None:
    """Read `--map-by ppr:N:node`."""
    for word, values in pairs:
        text = values[0].text if values else word.text
        match = re.search(r"\bppr:(\d+):node\b", text)
        if match and "map-by" in word.text:
            return Given("ntasks-per-node", match[1], word.span)
    return None


def _variables(
    pairs: Iterable[tuple[Word, tuple[Word, ...]]],
) -> Iterable[tuple[str, Word]]:
    for word, values in pairs:
        if word.text in _TWO and len(values) > 1:
            prefix = _PREFIXES.get(word.text, "PMIX_MCA_" if word.text == "--pmixmca" else "")
            yield prefix + values[0].text, values[1]
        elif word.text == "-x" and values and "=" in values[0].text:
            name, _, value = values[0].text.partition("=")
            yield name, Word(value, values[0].span)
