"""Break the nodes of a running sandbox on purpose, and heal them; no fault outlives `down`."""

import re
import time

from hpcrun.errors import UnavailableError, UsageError
from hpcrun.sandbox.cluster_files import LOGIN
from hpcrun.sandbox.enter import BOX, InsideCommand, capture_inside, find_running
from hpcrun.sandbox.lock import locked
from hpcrun.sandbox.places import DEFAULT_NAME, places
from hpcrun.sandbox.state import State

_RATE = re.compile(r"[1-9][0-9]{0,5}[kmg]?bit")
# Slurm asks a node that was silent only now and then whether it is back: 50 s were seen.
_HEALED_S = 180.0
_POLL_S = 0.2


def break_node(name: str, node: str, fault: str, *, rate: str | None = None) -> None:
    """Do something bad to a compute node; returns at once, before Slurm sees it."""
    if (fault == "throttle") != (rate is not None):
        raise UsageError("`throttle`, and nothing else, takes a rate", help=["for example 1mbit"])
    if rate is not None and not _RATE.fullmatch(rate):
        raise UsageError(f"`{rate}` is no rate", help=["for example 100kbit, 1mbit or 1gbit"])
    _run_script(name, node, fault, rate)


def heal_node(name: str, node: str) -> None:
    """Undo every fault of a node, and return once Slurm gives it jobs again."""
    state = _run_script(name, node, "heal", None)
    asked = InsideCommand(("sinfo", "--noheader", "--nodes", node, "--format=%T"))
    ends = time.monotonic() + _HEALED_S
    said = ""
    while time.monotonic() < ends:
        code, said = capture_inside(state, asked)
        if code == 0 and said.strip() in {"idle", "mixed", "allocated", "completing"}:
            return
        time.sleep(_POLL_S)
    raise UnavailableError(
        f"node `{node}` of sandbox `{name}` is healed, but Slurm does not take it back",
        help=[f"its state: {said.strip()}", f"see `hpcrun sandbox logs --name {name}`"],
    )


def _run_script(name: str, node: str, what: str, rate: str | None) -> State:
    where = places(name)
    state = find_running(where)
    if node not in state.nodes:
        raise UsageError(
            f"no compute node is named `{node}`", help=[f"there are: {', '.join(state.nodes)}"]
        )
    argv = ("/bin/sh", "/run/box/state/inside/fault.sh", node, what, *([rate] if rate else []))
    with locked(where.root):
        code, said = capture_inside(state, InsideCommand(argv, node=BOX, as_root=True))
    if code != 0:
        raise UnavailableError(f"cannot {what} node `{node}`: {said.strip() or f'code {code}'}")
    return state


def restart_controller(name: str = DEFAULT_NAME) -> None:
    """Let slurmctld end and start again, and return once it answers."""
    state = find_running(places(name))
    before = _controller(state)
    # The node's init hands the signal on to what keeps its services (inside/node-main.sh).
    argv = ("sh", "-c", "kill -s USR1 1")
    code, said = capture_inside(state, InsideCommand(argv, as_root=True))
    ends = time.monotonic() + _HEALED_S
    while code == 0 and time.monotonic() < ends:
        if _controller(state) not in {before, ""} and _is_answering(state):
            return
        time.sleep(_POLL_S)
    raise UnavailableError(
        f"slurmctld of sandbox `{name}` did not start again",
        help=[said.strip() or f"see `hpcrun sandbox logs --name {name} --node {LOGIN}`"],
    )


def _controller(state: State) -> str:
    argv = ("pgrep", "--exact", "slurmctld")
    return capture_inside(state, InsideCommand(argv, as_root=True))[1].strip()


def _is_answering(state: State) -> bool:
    code, said = capture_inside(state, InsideCommand(("scontrol", "ping")))
    return code == 0 and said.rstrip().endswith("UP")
