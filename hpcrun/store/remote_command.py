"""An argument vector ⇄ one line that any login shell passes on unharmed; runs nothing.

ssh joins its arguments with blanks and gives the line to the remote user's login shell, which may
be bash, csh or fish: their quoting differs (csh reads `!` inside single quotes, fish a backslash).
So the line itself holds nothing that any of them reads in its own way, and the real command is in
it in base64, for /bin/sh.

Start files of the shell may print something, and ssh has an exit code, 255, that a command can have
too. So what the command prints stands after a mark on both streams, and its exit code after another
one; where that is missing, ssh failed and not the command.
"""

import base64
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from hpcrun.render.quoting import sh

MAX_LINE_BYTES = 120_000
"""Linux takes no longer argument (MAX_ARG_STRLEN, 128 KiB), and the line is one of the shell."""

# No `!`, backslash, line break or single quote: see above.
_BOOT = "exec /bin/sh -c 'eval \"$(echo $1 | base64 -d)\"' hpcrun "
# sbatch hands its environment to the job, so no settings of Slurm's tools may come from start
# files. What finds Slurm may stand in /etc/profile, which only login shells read.
_SCRIPT = r"""
printf '%s\n' {mark}
printf '%s\n' {mark} >&2
tools='SBATCH|SLURM|SRUN|SQUEUE|SCANCEL|SACCT|SALLOC'
for name in $(env | sed -nE "s/^(($tools)_[A-Za-z0-9_]*)=.*/\1/p")
do [ "$name" = SLURM_CONF ] || unset "$name"; done
[ ! -r /etc/profile ] || command -v sbatch >/dev/null || . /etc/profile </dev/null >/dev/null 2>&1
LC_ALL=C; export LC_ALL
({command})
printf '\n%s %s\n' {mark} $? >&2
exit 0
"""


class RemoteEnd(NamedTuple):
    """How a remote command ended."""

    exit_code: int
    stderr: str


def new_mark() -> str:
    """Return a text that no command prints by chance, or on purpose."""
    return f"hpcrun-{secrets.token_hex(12)}"


def format_line(argv: Sequence[str], *, mark: str) -> str:
    """Return the line for the login shell."""
    command = " ".join(map(sh, argv))
    script = _SCRIPT.format(mark=mark, command=command).encode()
    # Blanks in place of the `=` at the end, which zsh may take for a pattern.
    script += b" " * (-len(script) % 3)
    return _BOOT + base64.b64encode(script).decode()


def output_start(stdout: bytes, *, mark: str) -> int | None:
    """Return where the command's own output begins; None where it did not start."""
    line = f"{mark}\n".encode()
    place = stdout.find(line)
    return None if place < 0 else place + len(line)


def parse_end(stderr: str, *, mark: str) -> RemoteEnd | None:
    """Return how the command ended; None where that never arrived."""
    _, is_started, said = stderr.partition(f"{mark}\n")
    said, is_ended, after = said.rpartition(f"\n{mark} ")
    if not is_started or not is_ended:
        return None
    code, _, late = after.partition("\n")
    return RemoteEnd(int(code), said + late) if code.isdecimal() else None
