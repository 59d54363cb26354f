"""How long steps show that they go on, and what a started program says; prints nothing."""

import os
import select
from collections.abc import Callable
from typing import Protocol

_TICK_S = 0.5


class Progress(Protocol):
    """What the command line gives to long steps."""

    def step(self, text: str) -> None:
        """Start a new step."""

    def tick(self) -> None:
        """Show that the step still goes on; called about twice a second."""

    def warn(self, text: str) -> None:
        """Something that the user should know, though the work goes on."""


class Silent:
    """Shows nothing."""

    def step(self, text: str) -> None:
        """Show nothing."""

    def tick(self) -> None:
        """Show nothing."""

    def warn(self, text: str) -> None:
        """Show nothing."""


def follow_lines(descriptor: int, progress: Progress, on_line: Callable[[str], None]) -> None:
    """Hand on each line from a pipe until its other end is closed."""
    rest = b""
    while True:
        ready, _, _ = select.select([descriptor], [], [], _TICK_S)
        progress.tick()
        if not ready:
            continue
        chunk = os.read(descriptor, 65536)
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            on_line(line.decode(errors="replace").rstrip())
        if not chunk:
            if rest:
                on_line(rest.decode(errors="replace").rstrip())
            return
