"""What a caller asks of a sandbox, and in what a running one differs from it; starts nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from hpcrun.errors import UsageError
from hpcrun.model.site import Site
from hpcrun.sandbox.emulation import choose_nodes
from hpcrun.sandbox.hardware import read_hardware
from hpcrun.sandbox.options import USUAL, Options, compare, option_names
from hpcrun.sandbox.shape import plan_shape
from hpcrun.sandbox.state import State


@dataclass(frozen=True)
class Wanted:
    """What the caller asked for; None leaves it open."""

    n_nodes: int | None = None
    share: Path | None = None
    emulation: str | None = None
    """`all`, `none` or names of nodes."""
    slurm: str | None = None
    like: Site | None = None
    """The site whose shape it is to have."""
    options: Options = USUAL

    @classmethod
    def of(cls, **asked: Any) -> Self:
        """Take options of all kinds side by side, as the command line has them."""
        options = {name: asked.pop(name) for name in option_names() if name in asked}
        return cls(**asked, options=Options(**options))


def check_same(running: State, wanted: Wanted) -> None:
    """Refuse to take a running sandbox for the different one that was asked for."""
    differences = [
        words.format(has=has, asked=asked)
        for asked, has, words in _compared(running, wanted)
        if asked is not None and asked != has
    ]
    if differences:
        raise UsageError(
            f"sandbox `{running.name}` already runs, and has {' and '.join(differences)}",
            help=[f"end it first: hpcrun sandbox down --name {running.name}"],
        )


def _compared(running: State, wanted: Wanted) -> tuple[tuple[object, object, str], ...]:
    """Return what was asked (None is open), what there is, and how to say that it differs."""
    share, emulation = wanted.share, wanted.emulation
    return (
        (wanted.slurm, running.slurm, "Slurm {has}, not {asked}"),
        (wanted.n_nodes, running.n_nodes, "{has} nodes, not {asked}"),
        (
            plan_shape(wanted.like, None, read_hardware()).like if wanted.like else None,
            running.like or "no profile",
            "the shape of {has}, not {asked}",
        ),
        (
            None if share is None else str(share.resolve()),
            running.share,
            "the shared folder `{has}`, not `{asked}`",
        ),
        (
            None if emulation is None else _names(choose_nodes(emulation, running.nodes)),
            _names(running.emulation),
            "emulation on {has}",
        ),
        *compare(wanted.options, running.options),
    )


def _names(nodes: tuple[str, ...]) -> str:
    return " ".join(nodes) or "no node"
