"""The last lines of a sandbox's logs; does not follow them."""

from collections import deque
from dataclasses import dataclass
from pathlib import Path

from hpcrun.errors import MissingInputError
from hpcrun.sandbox.places import DEFAULT_NAME, places, telling_whose


@dataclass(frozen=True)
class LogTail:
    """The end of one log file."""

    file: Path
    lines: tuple[str, ...]


def read_logs(
    name: str = DEFAULT_NAME, *, node: str | None = None, n_lines: int = 20
) -> tuple[LogTail, ...]:
    """Read the end of each log of the sandbox, or of one of its nodes."""
    where = places(name)
    folder = where.logs if node is None else where.logs / node
    with telling_whose(where):
        files = sorted(folder.rglob("*.log")) if folder.is_dir() else []
    if not files:
        what = f"node `{node}` of sandbox `{name}`" if node else f"sandbox `{name}`"
        raise MissingInputError(f"{what} has no logs", help=["hpcrun sandbox up starts it"])
    return tuple(LogTail(file, _tail(file, n_lines)) for file in files)


def _tail(file: Path, n_lines: int) -> tuple[str, ...]:
    with file.open(encoding="utf-8", errors="replace") as stream:
        return tuple(line.rstrip("\n") for line in deque(stream, maxlen=n_lines))
