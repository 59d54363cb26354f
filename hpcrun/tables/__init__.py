"""Facts of the outside world as checked, typed rows with their sources; does not decide.

Each table is read when it is first asked for.
"""

from hpcrun.tables.architectures import Architecture, architectures

__all__ = ["Architecture", "architectures"]
