"""What ssh says when it fails → an error with the fix; runs nothing."""

import shlex
from collections.abc import Sequence

from hpcrun.errors import UnavailableError

_CHANGED = "REMOTE HOST IDENTIFICATION HAS CHANGED"
_UNKNOWN_KEY = "Host key verification failed"
_REFUSED = "Permission denied"


def explain(host: str, stderr: str, *, opened: Sequence[str] | None) -> UnavailableError:
    """Return the error; `opened` is a command by which a person can open the connection."""
    lines = [line.strip("@ \r") for line in stderr.splitlines()]
    said = [line for line in lines if line]
    help_lines: tuple[str, ...]
    if _CHANGED in stderr:
        words = "its host key is not the one that is known"
        help_lines = (
            "somebody may have put another host in its place: ask the site whether its key changed",
            f"only then forget the old one: ssh-keygen -R {host}",
        )
    elif _UNKNOWN_KEY in stderr:
        words = _last(said, _UNKNOWN_KEY)
        help_lines = (
            f"connect once by hand, and compare the key with what the site tells: ssh {host}",
        )
    elif _REFUSED in stderr:
        words = _last(said, _REFUSED)
        by_hand = f", or open a connection first: {shlex.join(opened)}" if opened else ""
        help_lines = (f"set up a key, or load it into an agent (ssh-add){by_hand}",)
    else:
        words = said[-1] if said else "it said nothing"
        help_lines = (f"check that this works: ssh {host} true",)
    return UnavailableError(f"cannot reach the site by ssh: {host}: {words}", help=help_lines)


def _last(lines: Sequence[str], text: str) -> str:
    return next(line for line in reversed(lines) if text in line)
