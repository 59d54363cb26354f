"""What a sandbox can have besides the usual, by data: one field each; starts and writes nothing.

A further option of `hpcrun sandbox up` is one field here and its click.option in cli/sandbox.py.
Everything else follows: `Cluster.options` for the files, `State.options` for a running sandbox,
and the refusal to take a running sandbox for one that was asked for with another option.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any


def _flag(*, without: str) -> Any:
    """Give a switch; a sandbox that was started without it `has` what stands here."""
    return field(default=False, metadata={"has": without})


def _choice(*, has: str) -> Any:
    """Give a choice; None leaves it open. A sandbox that was started with another `has` this."""
    return field(default=None, metadata={"has": has})


@dataclass(frozen=True)
class Options:
    """What was asked for, a false or missing value being left open; or, settled, what there is."""

    short_timeouts: bool = _flag(without="the usual timeouts")
    accounting: bool = _flag(without="no accounting")
    ssh: bool = _flag(without="no ssh server")
    cgroup: bool = _flag(without="no control groups")
    register_emulation: bool = _flag(without="no handler in the machine's list")
    mpi_default: str | None = _choice(has="MpiDefault {has}, not {asked}")


USUAL = Options()


def option_names() -> tuple[str, ...]:
    """Return the name of each option, as the command line and Python callers give it."""
    return tuple(option.name for option in fields(Options))


def settle(asked: Options) -> Options:
    """Fill in the usual where nothing was asked for."""
    usual = {
        option.name: option.metadata["usual"]
        for option in fields(Options)
        if "usual" in option.metadata and getattr(asked, option.name) is None
    }
    return replace(asked, **usual)


def compare(asked: Options, settled: Options) -> Iterator[tuple[object, object, str]]:
    """Return of each option what was asked (None is open), what there is, and how to say it."""
    for option in fields(Options):
        wish, has = getattr(asked, option.name), getattr(settled, option.name)
        yield (None if wish is False else wish), has, option.metadata["has"]
