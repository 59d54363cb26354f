"""What a shell script is found to run, and how it is to be read; reads nothing itself."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from hpcrun.shell.state import Where


class ShellCommand(NamedTuple):
    """One simple command of a script."""

    line: int
    words: tuple[str, ...]
    settings: Mapping[str, str]
    """Variables set for this command: those in front of it and those exported before."""
    where: Where = ()
    """On which ways through the script it runs; all, where nothing stands here."""
    folder: str | None = ""
    """Where it runs; empty where the script began, None where that is not known."""
    is_lost: bool = False
    """Whether something before it may have changed every variable."""
    raw: tuple[str, ...] = ()
    """The words as they stand in the script; empty where several came of one."""


class ShellDoubt(NamedTuple):
    """A place that cannot be followed."""

    line: int
    what: str


class Manner(NamedTuple):
    """How a script is read; by itself as one that stands in an image."""

    plain: frozenset[str] = frozenset()
    """Commands to be told like any program, though they may bring about more than stands there."""
    lasting: Mapping[str, str] = MappingProxyType({})
    """Variables that are known again behind what may have changed everything."""
    n_most: int = 100
    """Commands and doubts that are told at most."""


IN_AN_IMAGE = Manner()
