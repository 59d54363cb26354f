"""How much of a stranger's script is read; does not read it."""

_UNITS = 2_000_000
"""Each about half a microsecond, or some bytes: a second or so, and less than 50 MiB."""
VARIABLES_MAX = 2000


class FullError(Exception):
    """There is more than is read, or told."""


class Work:
    """What may still be done for one script, whatever it asks for."""

    def __init__(self) -> None:
        self._n_left = _UNITS

    @property
    def spent(self) -> int:
        """How many units were done."""
        return _UNITS - self._n_left

    def spend(self, n_units: int) -> None:
        """Do some of it; raise FullError where it is too much."""
        self._n_left -= n_units
        if self._n_left < 0:
            raise FullError
