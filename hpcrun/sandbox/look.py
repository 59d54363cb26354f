"""What a sandbox is and how it fares, as a value; changes nothing."""

from dataclasses import asdict, dataclass, field
from typing import Any

from hpcrun.errors import UnavailableError
from hpcrun.sandbox.cluster_files import LOGIN
from hpcrun.sandbox.enter import InsideCommand, capture_inside
from hpcrun.sandbox.places import DEFAULT_NAME, places
from hpcrun.sandbox.state import read_state


@dataclass(frozen=True)
class NodeStatus:
    """One compute node as Slurm sees it."""

    name: str
    state: str


@dataclass(frozen=True)
class SandboxStatus:
    """One sandbox."""

    name: str
    is_running: bool
    folder: str
    profile: str
    slurm: str | None = None
    login_node: str | None = None
    nodes: tuple[NodeStatus, ...] = ()
    share: str | None = None
    user: str | None = None
    uid: int | None = None
    pid: int | None = None
    like: str | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON types."""
        return {"version": 1, **asdict(self)}


def status(name: str = DEFAULT_NAME) -> SandboxStatus:
    """Look at the sandbox of that name."""
    where = places(name)
    state = read_state(where)
    if state is None or not state.is_running:
        return SandboxStatus(name, False, str(where.folder), str(where.profile))
    asked = InsideCommand(("sinfo", "--noheader", "--Node", "--format=%N %T"))
    try:
        code, text = capture_inside(state, asked)
    except UnavailableError:
        code, text = 1, ""
    said = dict(line.split() for line in text.splitlines()) if code == 0 else {}
    return SandboxStatus(
        name=name,
        is_running=True,
        folder=str(where.folder),
        profile=str(where.profile),
        slurm=state.slurm,
        login_node=LOGIN,
        nodes=tuple(NodeStatus(node, said.get(node, "unknown")) for node in state.nodes),
        share=state.share,
        user=state.user,
        uid=state.uid,
        pid=state.init.pid,
        like=state.like,
        notes=state.notes,
        warnings=state.warnings,
    )
