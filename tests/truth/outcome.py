"""What became of a cell, by what its ranks printed; knows no prediction."""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.truth.cells import Cell

TIMED_OUT = (124, 137)
_WORD = re.compile(r"RANK (\{[^{}\n]*\})")
_TELLING = ("error", "not found", "undefined", "abort", "fatal", "cannot", "unreachable")
_NOISE = ("srun: error", "srun: Terminating", "slurmstepd: error: ***", "RANK {")


class Outcome(NamedTuple):
    """One of ok, singletons, wrong-library, failed, hang; and what showed it."""

    outcome: str
    detail: str
    library: str
    """As MPI itself says."""
    path: str
    """The file that MPI_Init was found in."""


def read_outcome(cell: Cell, output: str, code: int | None, stack_folder: str) -> Outcome:
    """Judge what a cell printed: it is ok if all ranks see each other, on the right library."""
    ranks = _ranks(output)
    first: dict[str, Any] = ranks[0] if ranks else {}
    library, path = str(first.get("library", "")), str(first.get("path", ""))
    if code is None or code in TIMED_OUT:
        return Outcome("hang", _last_line(output), library, path)
    if ranks and cell.n_ranks > 1 and all(rank["size"] == 1 for rank in ranks):
        return Outcome("singletons", f"exit code {code}", library, path)
    if not _is_whole(cell, ranks) or code != 0:
        return Outcome("failed", f"exit code {code}: {_last_line(output)}", library, path)
    is_bound = [rank["path"].startswith(f"{stack_folder}/") for rank in ranks]
    is_right = all(is_bound) if cell.model == "bind" else not any(is_bound)
    return Outcome("ok" if is_right else "wrong-library", "", library, path)


def _ranks(output: str) -> list[dict[str, Any]]:
    """Return what the ranks said; launchers put several words on one line at times."""
    found = []
    for match in _WORD.finditer(output):
        try:
            found.append(json.loads(match[1]))
        except ValueError:
            continue
    return found


def _is_whole(cell: Cell, ranks: Sequence[dict[str, Any]]) -> bool:
    """Whether each rank was there once, and got from the others what they sent."""
    n_ranks = cell.n_ranks
    right = [
        rank["size"] == n_ranks
        and rank["sum"] == n_ranks * (n_ranks - 1) // 2
        and rank["from"] == (rank["rank"] - 1) % n_ranks
        for rank in ranks
    ]
    is_all = sorted(rank["rank"] for rank in ranks) == list(range(n_ranks))
    return is_all and all(right) and len({rank["host"] for rank in ranks}) == cell.nodes


def _last_line(output: str) -> str:
    """Return the line that says most: the last one about an error, else the last one."""
    lines = [line.strip() for line in output.splitlines() if line.strip(" -=*\t")]
    own = [line for line in lines if not line.startswith(_NOISE)]
    telling = [line for line in own if any(word in line.lower() for word in _TELLING)]
    chosen = (telling or own or lines or [""])[-1]
    return chosen[:160]
