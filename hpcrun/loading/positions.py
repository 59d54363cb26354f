"""Where each value of a loaded file stands; does not read files."""

from collections.abc import Mapping
from pathlib import Path

from hpcrun.loading.source import Span
from hpcrun.model.diagnostic import Location


class Positions:
    """Places by dotted path as the file writes it: `resources.walltime`, `mounts.0.host`.

    In a profile with a parent, a value stands where it was written: in the child or in the parent.
    """

    def __init__(
        self,
        values: Mapping[str, Span],
        keys: Mapping[str, Span],
        files: tuple[Path, ...],
        *,
        text: str = "",
    ) -> None:
        self._values = dict(values)
        self._keys = dict(keys)
        self.files = files
        """The file and, for a profile, its parents, nearest first."""
        self.text = text
        """The file as it was read; by now it may be another one."""

    def at(self, path: str) -> Location | None:
        """Give the place of a value; None where the file does not hold it."""
        span = self._values.get(path)
        return span.location if span else None

    def key_at(self, path: str) -> Location | None:
        """Give the place of a key."""
        span = self._keys.get(path)
        return span.location if span else None

    def nearest(self, path: str) -> Location | None:
        """Give the place of a value, or of the nearest key above it: `mpi` for `mpi.model`."""
        while path:
            place = self.at(path)
            if place:
                return place
            path = path.rpartition(".")[0]
        return None
