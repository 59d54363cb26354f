"""Which program a Python interpreter is told to run, by its options; does not run it."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Literal, NamedTuple

from hpcrun.tables.wrappers import options_end, wrappers

_FLAGS = frozenset("bBdEiIOPqsSuvx")
_VALUES = frozenset("cmWX")
_ENDS: dict[str, Literal["text", "module"]] = {"c": "text", "m": "module"}
_LONG_VALUES = frozenset(("--check-hash-based-pycs",))
"""Options of the interpreter itself: python3(1), 3.13."""
_NO_PATH = frozenset("EI")
_SAFE_PATH = frozenset("IP")


class PythonCall(NamedTuple):
    """What an interpreter is told."""

    kind: Literal["file", "module", "text", "none"]
    what: str
    args: tuple[str, ...] = ()
    letters: frozenset[str] = frozenset()
    """One-letter options that were given."""

    @property
    def reads_python_path(self) -> bool:
        """Whether PYTHONPATH counts."""
        return not self.letters & _NO_PATH

    @property
    def reads_own_folder(self) -> bool:
        """Whether modules beside the program count."""
        return not self.letters & _SAFE_PATH


def read_python_call(args: Sequence[str]) -> PythonCall | None:
    """Tell options, program and arguments apart; None where an option is not known."""
    letters: set[str] = set()
    rest = list(args)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        flags, letter, joined = _split(word)
        letters |= {*flags}
        if letter is None:
            return None
        if letter:
            rest = [joined, *rest] if joined else rest
            if not rest:
                return None
            what = rest.pop(0)
            if letter in _ENDS:
                return PythonCall(_ENDS[letter], what, tuple(rest), frozenset(letters))
    if not rest or rest[0] == "-":
        return PythonCall("none", "", (), frozenset(letters))
    return PythonCall("file", rest[0], tuple(rest[1:]), frozenset(letters))


def _split(word: str) -> tuple[str, str | None, str]:
    """Split an option: its flags, the letter that takes a value, what of that is joined to it.

    The letter is None where it is not known, and empty where there is none.
    """
    if word in _LONG_VALUES:
        return "", word, ""
    flags = "".join(takewhile(_FLAGS.__contains__, word[1:]))
    letter, joined = word[1 + len(flags) :][:1], word[2 + len(flags) :]
    return flags, letter if not letter or letter in _VALUES else None, joined


def unwrap_module(call: PythonCall) -> PythonCall:
    """Follow `-m mpi4py prog.py` to the program behind the module, where the table knows it."""
    row = wrappers().python_runner(call.what) if call.kind == "module" else None
    if row is None:
        return call
    end = options_end(call.args, values={**row.values, "-m": 0, "-c": 0}, flags=row.flags)
    words = call.args[end:] if end is not None else ()
    option = call.args[end - 1] if end else ""
    if option in ("-m", "-c") and words:
        kind: Literal["text", "module"] = "module" if option == "-m" else "text"
        return call._replace(kind=kind, what=words[0], args=tuple(words[1:]))
    if not words:
        return call._replace(kind="none", what="")
    return call._replace(kind="file", what=words[0], args=tuple(words[1:]))
