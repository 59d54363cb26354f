"""What could not be read, and why; a bounded list. Does not decide what follows from it."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from hpcrun.image.errors import ForbiddenError, ImageError

LINES_MAX = 20
"""Problems that are told one by one; the rest is counted."""


class Problems:
    """Collects what readers stumble over."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._lines: dict[str, None] = dict.fromkeys(lines)
        self._n_more = 0
        self._forbidden: list[PurePosixPath] = []

    def add(self, line: str) -> None:
        """Note one thing that could not be read."""
        if line in self._lines:
            return
        if len(self._lines) < LINES_MAX:
            self._lines[line] = None
        else:
            self._n_more += 1

    def tell(self, path: PurePosixPath, error: ImageError) -> None:
        """Note a part that could not be read, with the reason."""
        if isinstance(error, ForbiddenError):
            self._forbidden.append(path)
        else:
            self.add(f"{path}: {error.message}")

    @property
    def are_harmless(self) -> bool:
        """Whether nothing is missing that a job of the same user could use.

        What this user may not read, the user's job cannot load either: a folder such as /root of
        an unpacked image says nothing about the programs that can run.
        """
        return not self._lines

    @property
    def lines(self) -> tuple[str, ...]:
        """All that was noted."""
        more = [f"{self._n_more} further parts could not be read"] if self._n_more else []
        if self._forbidden:
            n, first = len(self._forbidden), self._forbidden[0]
            more.append(f"this user may not read {n} files or folders, such as {first}")
        return (*self._lines, *more)
