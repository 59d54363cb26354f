"""Which process submits a run, and whether it still lives; does not submit."""

import os
import secrets
import socket
from pathlib import Path

from hpcrun.model.run import Submitter

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_TOKEN_LENGTH = 8
_STARTED_FIELD = 21
"""Zero-based place of the start time in /proc/PID/stat (proc_pid_stat(5), field 22)."""


def new_token() -> str:
    """Return a new token: 40 random bits, in letters that nobody confuses."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_TOKEN_LENGTH))


def read_own() -> Submitter:
    """Return this very process."""
    return Submitter(host=socket.gethostname(), pid=os.getpid(), started=_started(os.getpid()))


def may_be_alive(submitter: Submitter) -> bool:
    """Whether the process still lives; on another host nobody can tell, so it may."""
    if submitter.host != socket.gethostname():
        return True
    return bool(submitter.started) and submitter.started == _started(submitter.pid)


def _started(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    # The second field is the program's name in parentheses, which may hold anything.
    _, _, rest = stat.rpartition(")")
    return rest.split()[_STARTED_FIELD - 2]
